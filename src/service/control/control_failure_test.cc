// The control database when things go wrong: a failure or a kill at each single statement,
// damaged files, tampered audit logs.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "service/control/control_store.h"
#include "service/control/control_test_util.h"
#include "service/control/internal/sqlite.h"

namespace vitrine::control {
namespace {

using tenant::KeyId;
using testing::HasSubstr;

class ControlFailure : public StoreTest {
 protected:
  // Fails (or calls `instead`) at the n-th statement from 0.
  StoreOptions failing_at(int n, std::function<void()> instead = {}) {
    StoreOptions o = options();
    o.before_statement = [n, instead, count = 0](std::string_view) mutable -> Status {
      if (count++ != n) return ok_status();
      if (instead) instead();
      return Error(ErrorCode::kIo, "injected");
    };
    return o;
  }
  std::string picture(ControlStore& of) {
    std::string out;
    const auto t_list = of.list_tenants().value();
    for (const auto& t : t_list) {
      out += t.name + ":" + std::string(status_name(t.status)) + ":" +
             std::to_string(t.event_types.size()) + " ";
    }
    const auto k_list = of.list_keys({}).value();
    for (const auto& k : k_list) {
      out += key_id_text(k.id) + (k.revoked_us != 0 ? "-" : "+") +
             (k.replaced_by.value != 0 ? "r " : " ");
    }
    return out + std::to_string(of.version().value());
  }
  void execute(const std::string& sql) {
    auto database = internal::Database::open(options().path, 1000).value();
    const auto status = database->execute(sql);
    ASSERT_TRUE(status.ok()) << status.error().to_string();
  }
};

using Action = std::function<Status(ControlStore&)>;

template <class T>
Status status_of(Result<T> result) {
  if (result.ok()) return ok_status();
  return std::move(result).error();
}

std::vector<Action> actions_on(KeyId key, KeyId other) {
  const NewTenant hats{.name = "hats", .event_types = {"a", "b"}, .with_keys = true};
  return {
      [=](ControlStore& s) { return status_of(s.create_tenant({}, hats)); },
      [](ControlStore& s) {
        return status_of(s.set_event_types({}, "shoes", {"x", "y"}));
      },
      [](ControlStore& s) {
        return status_of(s.set_allowed_origins({}, "shoes", {"https://x.example"}));
      },
      [=](ControlStore& s) { return status_of(s.rotate_key({}, key, 0)); },
      [=](ControlStore& s) { return status_of(s.revoke_key({}, other)); },
      [](ControlStore& s) { return status_of(s.delete_tenant({}, "shoes")); },
  };
}

// Goal: every change is all or nothing. Method: let each statement of each change fail in
// turn; after each failure the database must look as before, and the audit chain be whole.
TEST_F(ControlFailure, AFailureAtAnyStatementLeavesNothingHalfDone) {
  const auto made = store().create_tenant({}, {.name = "shoes", .with_keys = true}).value();
  for (const Action& action : actions_on(made.keys[0].info.id, made.keys[1].info.id)) {
    const std::string before = picture(store());
    int failures = 0;
    for (int n = 0;; ++n) {
      SCOPED_TRACE(n);
      ASSERT_LT(n, 200);
      auto broken = ControlStore::open(failing_at(n));
      if (!broken.ok()) continue;  // it failed while opening: nothing changed either
      const Status status = action(**broken);
      ASSERT_TRUE(store().verify_audit().ok());
      if (status.ok()) break;
      ++failures;
      EXPECT_EQ(status.error().message(), "injected");
      ASSERT_EQ(picture(store()), before);
    }
    EXPECT_GE(failures, 5);
    EXPECT_NE(picture(store()), before);
  }
}

// The same with the process gone instead of an error: nobody is left to roll back.
TEST_F(ControlFailure, AKillBetweenAnyTwoStatementsLeavesNoHalfTenant) {
  const std::string before = picture(store());
  store_.reset();  // a connection must not be carried into a child process
  const NewTenant hats{.name = "hats", .event_types = {"a", "b"}, .with_keys = true};
  for (int n = 0;; ++n) {
    SCOPED_TRACE(n);
    ASSERT_LT(n, 200);
    const pid_t child = ::fork();
    if (child == 0) {
      auto doomed = ControlStore::open(failing_at(n, [] { ::_exit(9); }));
      const bool made = doomed.ok() && (*doomed)->create_tenant({}, hats).ok();
      ::_exit(made ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    reopen();
    ASSERT_TRUE(store().verify_audit().ok());
    if (WEXITSTATUS(status) == 0) break;
    ASSERT_EQ(WEXITSTATUS(status), 9);
    ASSERT_EQ(picture(store()), before);
    store_.reset();
  }
  EXPECT_EQ(store().list_keys({"hats"})->size(), 2u);
}

TEST_F(ControlFailure, CreatingTheDatabaseCanFailAnywhereAndBeRetried) {
  for (int n = 0;; ++n) {
    SCOPED_TRACE(n);
    ASSERT_LT(n, 100);
    StoreOptions o = failing_at(n);
    o.path = (folder_ / "new.db").string();
    const bool complete = ControlStore::open(o).ok();
    o.before_statement = {};
    auto again = ControlStore::open(o);
    ASSERT_TRUE(again.ok()) << again.error().to_string();
    ASSERT_TRUE((*again)->create_tenant({}, {.name = "a" + std::to_string(n)}).ok());
    if (complete && n > 8) break;
    again.value().reset();
    std::filesystem::remove(o.path);
  }
}

TEST_F(ControlFailure, AFileThatIsNoDatabaseIsNamed) {
  store_.reset();
  const std::string path = options().path;
  std::filesystem::remove(path + "-wal");
  std::ofstream(path, std::ios::trunc) << std::string(8192, 'x');
  const auto opened = ControlStore::open(options());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message(), HasSubstr(path));
  std::filesystem::remove(path);
  reopen();
}

// Goal: damage is an error with a message, never a crash or a silently different answer about
// keys. Method: overwrite one page after the other.
TEST_F(ControlFailure, ADamagedPageAnywhereIsCorruptOrHarmlessButNeverACrash) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(
        store().create_tenant({}, {.name = "t" + std::to_string(i), .with_keys = true}).ok());
  }
  store_.reset();  // the last connection moves the log into the file
  const std::string path = options().path;
  std::ifstream in(path, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  ASSERT_GT(good.size(), 8u * 4096);
  int corrupt = 0;
  for (std::size_t at = 0; at + 4096 <= good.size(); at += 4096) {
    std::string bad = good;
    for (std::size_t i = 0; i < 64; ++i) bad[at + i] = static_cast<char>(0x5A + i);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
    const auto opened = ControlStore::open(options());
    if (opened.ok()) continue;
    EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt) << opened.error().to_string();
    ++corrupt;
  }
  EXPECT_GT(corrupt, 5);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << good;
  reopen();
  EXPECT_EQ(store().list_tenants()->size(), 50u);
}

TEST_F(ControlFailure, AnotherProgramsDatabaseIsLeftAlone) {
  StoreOptions o = options();
  o.path = (folder_ / "other.db").string();
  ASSERT_TRUE(internal::Database::open(o.path, 1000).value()->execute("CREATE TABLE x(y)").ok());
  const auto opened = ControlStore::open(o);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message(), HasSubstr("another program"));
}

TEST_F(ControlFailure, ANewerSchemaIsUnsupportedAndUntouched) {
  store_.reset();
  execute("PRAGMA user_version=99");
  const auto opened = ControlStore::open(options());
  EXPECT_EQ(opened.error().code(), ErrorCode::kUnsupported);
  execute("PRAGMA user_version=3");
  reopen();
}

TEST_F(ControlFailure, AnOlderSchemaIsBroughtForwardWithWhatIsInIt) {
  const auto before = store().create_tenant({}, {.name = "shoes", .event_types = {"a"}}).value();
  store_.reset();
  execute("DROP TABLE placements; DROP TABLE allowed_origins; PRAGMA user_version=1");
  reopen();
  EXPECT_EQ(store().get_tenant("shoes").value(), before.tenant);
  EXPECT_TRUE(store().set_allowed_origins({}, "shoes", {"https://x.example"}).ok());
}

TEST_F(ControlFailure, AnotherWriterForTooLongIsUnavailable) {
  StoreOptions o = options();
  o.busy_timeout_ms = 10;
  auto impatient = ControlStore::open(o).value();
  auto holder = internal::Database::open(o.path, 1000).value();
  ASSERT_TRUE(holder->execute("BEGIN IMMEDIATE").ok());
  EXPECT_EQ(impatient->create_tenant({}, {.name = "a"}).error().code(), ErrorCode::kUnavailable);
  EXPECT_TRUE(impatient->list_tenants().ok()) << "readers go on";
  ASSERT_TRUE(holder->execute("ROLLBACK").ok());
  EXPECT_TRUE(impatient->create_tenant({}, {.name = "a"}).ok());
}

TEST_F(ControlFailure, TheAuditLogRefusesChangesAndNoticesForcedOnes) {
  for (const char* name : {"a", "b", "c"})
    ASSERT_TRUE(store().create_tenant({}, {.name = name}).ok());
  auto database = internal::Database::open(options().path, 1000).value();
  EXPECT_FALSE(database->execute("UPDATE audit SET detail = 'x' WHERE sequence = 2").ok());
  EXPECT_FALSE(database->execute("DELETE FROM audit WHERE sequence = 3").ok());
  EXPECT_TRUE(store().verify_audit().ok());
  execute("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete");
  execute("UPDATE audit SET actor = 5 WHERE sequence = 2");
  EXPECT_THAT(store().verify_audit().error().message(), HasSubstr("entry 2 was changed"));
  execute("UPDATE audit SET actor = 0 WHERE sequence = 2");
  EXPECT_TRUE(store().verify_audit().ok());
  execute("DELETE FROM audit WHERE sequence = 3");
  EXPECT_THAT(store().verify_audit().error().message(), HasSubstr("entry 3"));
  EXPECT_EQ(store().create_tenant({}, {.name = "d"}).error().code(), ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace vitrine::control
