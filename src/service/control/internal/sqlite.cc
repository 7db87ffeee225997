#include "service/control/internal/sqlite.h"

#include <cerrno>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

namespace vitrine::control::internal {
namespace {

ErrorCode code_of(int sqlite_code) {
  switch (sqlite_code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorCode::kUnavailable;
    case SQLITE_FULL: return ErrorCode::kExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorCode::kCorrupt;
    case SQLITE_CONSTRAINT: return ErrorCode::kConflict;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM: return ErrorCode::kIo;
    default: return ErrorCode::kInternal;
  }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::note(int code) {
  if (code != SQLITE_OK && bind_failure_ == SQLITE_OK) bind_failure_ = code;
}

Statement& Statement::bind(int at, std::int64_t value) {
  note(sqlite3_bind_int64(statement_.get(), at, value));
  return *this;
}

Statement& Statement::bind(int at, double value) {
  note(sqlite3_bind_double(statement_.get(), at, value));
  return *this;
}

Statement& Statement::bind_text(int at, std::string_view value) {
  // A null pointer would bind NULL, so an empty view gets a real one.
  const char* data = value.empty() ? "" : value.data();
  note(
      sqlite3_bind_text64(statement_.get(), at, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob(int at, std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  note(sqlite3_bind_blob64(statement_.get(), at, data, value.size(), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind_null(int at) {
  note(sqlite3_bind_null(statement_.get(), at));
  return *this;
}

Result<bool> Statement::step() {
  if (bind_failure_ != SQLITE_OK) return database_->error(bind_failure_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(code);
}

Status Statement::run() {
  for (;;) {
    VITRINE_TRY(const bool row, step());
    if (!row) return ok_status();
  }
}

std::int64_t Statement::integer(int at) const { return sqlite3_column_int64(statement_.get(), at); }
double Statement::real(int at) const { return sqlite3_column_double(statement_.get(), at); }

std::string_view Statement::text(int at) const {
  const unsigned char* data = sqlite3_column_text(statement_.get(), at);
  const int size = sqlite3_column_bytes(statement_.get(), at);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)};
}

std::string_view Statement::blob(int at) const {
  const void* data = sqlite3_column_blob(statement_.get(), at);
  const int size = sqlite3_column_bytes(statement_.get(), at);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Database::Database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}

Error Database::error(int code) const {
  std::string message = "control database " + path_ + ": " + sqlite3_errmsg(handle_.get());
  const ErrorCode kind = code_of(code);
  if (kind == ErrorCode::kCorrupt) {
    message += "; restore it from a backup (with the -wal file of the same moment, if any)";
  }
  if (kind == ErrorCode::kUnavailable) message += "; another process is writing, try again";
  return {kind, std::move(message)};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path,
                                                 std::uint32_t busy_timeout_ms) {
  // SQLite would create it with the umask's mode; its -wal and -shm files inherit this one.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("open", path, errno);
  ::close(fd);
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Database> database(new Database(handle, path));
  if (code != SQLITE_OK) return database->error(code);
  sqlite3_busy_timeout(handle, static_cast<int>(busy_timeout_ms));
  // A hostile file can't run code through its schema, and can't be changed behind SQLite's back.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  VITRINE_TRY(
      database->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                        "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON;"));
  VITRINE_TRY(auto check, database->prepare("PRAGMA quick_check(1)"));
  VITRINE_TRY(const bool row, check.step());
  if (!row || check.text(0) != "ok") {
    return Error(ErrorCode::kCorrupt, "control database " + path + ": " +
                                          std::string(row ? check.text(0) : "no answer") +
                                          "; restore it from a backup");
  }
  return database;
}

Status Database::hook(std::string_view sql) const {
  return before_statement ? before_statement(sql) : ok_status();
}

Result<Statement> Database::prepare(std::string_view sql) {
  VITRINE_TRY(hook(sql));
  sqlite3_stmt* raw = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  Statement statement;
  statement.statement_.reset(raw);
  statement.database_ = this;
  if (code != SQLITE_OK) return error(code);
  return statement;
}

Status Database::execute(const std::string& sql) {
  VITRINE_TRY(hook(sql));
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return ok_status();
}

Result<std::int64_t> Database::query_integer(std::string_view sql) {
  VITRINE_TRY(auto statement, prepare(sql));
  VITRINE_TRY(const bool row, statement.step());
  return row ? statement.integer(0) : 0;
}

Status Database::within(const std::string& begin, const std::function<Status()>& body) {
  VITRINE_TRY(execute(begin));
  Status status = body();
  if (status.ok()) status = execute("COMMIT");
  // Some failures (a full disk) have rolled back already; then this does nothing.
  if (!status.ok() && sqlite3_get_autocommit(handle_.get()) == 0) {
    sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  return status;
}

}  // namespace vitrine::control::internal
