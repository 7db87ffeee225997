// SQLite behind Results. The only file that includes sqlite3.h is sqlite.cc.
//
// Not thread-safe: the owner locks. A Statement must not outlive its Database.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vitrine::control::internal {

class Statement {
 public:
  Statement() = default;

  // Parameters from 1. Text and blobs are copied.
  Statement& bind(int at, std::int64_t value);
  Statement& bind(int at, double value);
  Statement& bind_text(int at, std::string_view value);
  Statement& bind_blob(int at, std::string_view value);
  Statement& bind_null(int at);

  // True while there is a row. Errors of earlier binds surface here.
  Result<bool> step();
  // For statements without rows.
  Status run();

  // Columns from 0 of the current row. Views live until the next step. NULL reads as 0 or empty.
  std::int64_t integer(int at) const;
  double real(int at) const;
  std::string_view text(int at) const;
  std::string_view blob(int at) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  void note(int code);
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  class Database* database_ = nullptr;
  int bind_failure_ = 0;
};

class Database {
 public:
  // Opens or creates `path` and checks that it is a sound SQLite file.
  static Result<std::unique_ptr<Database>> open(const std::string& path,
                                                std::uint32_t busy_timeout_ms);

  Result<Statement> prepare(std::string_view sql);
  // One or several statements without parameters or wanted rows.
  Status execute(const std::string& sql);
  // The first column of the first row.
  Result<std::int64_t> query_integer(std::string_view sql);

  // Runs `body` in BEGIN IMMEDIATE .. COMMIT; rolls back when it or the commit fails.
  Status transaction(const std::function<Status()>& body) {
    return within("BEGIN IMMEDIATE", body);
  }
  // The same for several reads of one moment; doesn't wait for writers.
  Status snapshot(const std::function<Status()>& body) { return within("BEGIN", body); }

  // See StoreOptions::before_statement; called by prepare, transaction and execute.
  std::function<Status(std::string_view sql)> before_statement;

  // The last failure, turned into an Error that names the file.
  Error error(int code) const;

  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  Database(sqlite3* handle, std::string path);
  Status within(const std::string& begin, const std::function<Status()>& body);
  Status hook(std::string_view sql) const;
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
};

}  // namespace vitrine::control::internal
