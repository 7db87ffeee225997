// A control store in a folder of its own, with a clock that stands still.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/clock.h"
#include "service/control/control_store.h"

namespace vitrine::control {

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = (std::filesystem::temp_directory_path() / "vitrine-control-XXXXXX").string();
    VITRINE_CHECK(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    reopen();
  }
  ~StoreTest() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  StoreOptions options() {
    StoreOptions options;
    options.path = (folder_ / "control.db").string();
    options.clock = &clock_;
    return options;
  }
  void reopen() {
    store_.reset();
    auto opened = ControlStore::open(options());
    VITRINE_CHECK_MSG(opened.ok(), opened.error().to_string());
    store_ = std::move(opened).value();
  }
  ControlStore& store() { return *store_; }

  ManualClock clock_{1'700'000'000 * kSecondUs};
  std::filesystem::path folder_;
  std::unique_ptr<ControlStore> store_;
};

}  // namespace vitrine::control
