// A tenant's log in a folder of its own, for tests of what learns from it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "domain/event/event_codec.h"
#include "domain/model/registry.h"
#include "domain/person/person_codec.h"
#include "domain/profile/profiles.h"
#include "engine/blob/directory_store.h"
#include "engine/eventlog/writer.h"
#include "engine/vec/random.h"
#include "service/apply/apply_test_util.h"
#include "service/learn/train.h"

namespace vitrine::learn {

constexpr TimeUs kStart = 1'700'000'000 * kSecondUs;

class ShopLog {
 public:
  ShopLog() {
    std::string name = (std::filesystem::temp_directory_path() / "vitrine-learn-XXXXXX").string();
    VITRINE_CHECK(::mkdtemp(name.data()) != nullptr);
    folder = name;
    clock.set_us(kStart);
    eventlog::WriterOptions options;
    options.directory = log_directory();
    options.files = &io::system_files();
    options.clock = &clock;
    options.executor = &thread_executor();
    options.background = false;
    options.segment_bytes = 16 << 20;
    options.group_bytes_max = 4 << 20;
    VITRINE_CHECK(io::system_files().create_directories(options.directory).ok());
    writer_ = eventlog::Writer::open(options).value();
    objects = blob::DirectoryStore::create(io::system_files(), folder + "/objects").value();
    store = std::make_unique<ModelStore>(*objects);
  }
  ~ShopLog() {
    writer_.reset();
    std::filesystem::remove_all(folder);
  }

  std::string log_directory() const { return folder + "/log"; }

  // Appends, each at its own position, and gives the last.
  eventlog::Position append(const std::vector<apply::testing::TestRecord>& records) {
    std::vector<eventlog::RecordRef> refs;
    eventlog::Position last = 0;
    for (const auto& one : records) {
      refs.push_back(one.ref());
      if (refs.size() < 500 && &one != &records.back()) continue;
      last = writer_->append(refs, nullptr).value().last;
      refs.clear();
    }
    VITRINE_CHECK(writer_->wait_durable(last, kMinuteUs).value());
    return last;
  }
  template <class Encode>
  eventlog::Position append(record::RecordKind kind, Encode&& encode) {
    apply::testing::TestRecord out{kind, {}};
    ByteWriter writer(out.payload);
    record::write_tenant(writer, tenant);
    encode(writer);
    return append({out});
  }
  // `user` looks at the item, `at` seconds after the start; a user "anonymous:X" is one.
  apply::testing::TestRecord look(const std::string& user, const std::string& item, int at,
                                  const std::string& context = {},
                                  const std::string& also_anonymous = {}) {
    event::Event e;
    const std::string id = "e" + std::to_string(next_event_++);
    e.event_id = id;
    e.event_time = kStart + at * kSecondUs;
    const bool anonymous = user.starts_with("anonymous:");
    if (!anonymous) e.user_id = user;
    const std::string visitor = anonymous ? user.substr(10) : also_anonymous;
    e.anonymous_id = visitor;
    e.context = context;
    event::EventItem event_item;
    event_item.item_id = item;
    e.items.push_back(event_item);
    e.type = event::EventType::kDetailPageView;
    apply::testing::TestRecord out{record::RecordKind::kEvent, {}};
    ByteWriter writer(out.payload);
    record::write_tenant(writer, tenant);
    event::encode_event(e, out.payload);
    return out;
  }

  // A shop where what a visitor likes is hidden under what everybody looks at all the time: each is
  // of one of 8 tastes with 20 items, begins with 6 of them, and then looks 6 times at 13 of 14
  // common items before the next one of the taste. The newest items, which item-item starts from,
  // say nothing; the whole history does.
  // kShuffled: the last fifth has the same items in another order, beside the same visitors and
  // times.
  enum class Ending { kAsItIs, kShuffled };
  void hidden_tastes(int visitors = 120, Ending ending = Ending::kAsItIs) {
    vec::Random random(7);
    std::vector<apply::testing::TestRecord> records;
    struct Step {
      int at;
      int visitor;
      std::string item;
    };
    std::vector<Step> steps;
    for (int v = 0; v < visitors; ++v) {
      const int taste = v % 8;
      std::vector<int> liked(20);
      for (int i = 0; i < 20; ++i) liked[static_cast<std::size_t>(i)] = i;
      for (std::size_t i = 20; i > 1; --i) std::swap(liked[i - 1], liked[random.below(i)]);
      std::size_t next = 0;
      int at = v * 700;  // everybody at another point of the same way
      const auto add = [&](const std::string& item) {
        steps.push_back({at, v, item});
        at += 1000;
      };
      const auto add_liked = [&] {
        add("t" + std::to_string(taste) + "-" + std::to_string(liked[next++]));
      };
      for (int i = 0; i < 6; ++i) add_liked();
      for (int round = 0; round < 6; ++round) {
        for (int i = 0; i < 13; ++i) {
          add("common-" + std::to_string((v + i + round) % 14));
        }
        add_liked();
      }
    }
    std::stable_sort(steps.begin(), steps.end(),
                     [](const Step& a, const Step& b) { return a.at < b.at; });
    if (ending == Ending::kShuffled) {
      const std::size_t from = steps.size() * 4 / 5;
      for (std::size_t i = steps.size(); i > from + 1; --i) {
        std::swap(steps[i - 1].item, steps[from + random.below(i - from)].item);
      }
    }
    for (const Step& step : steps) {
      records.push_back(look("v" + std::to_string(step.visitor), step.item, step.at));
    }
    clock.set_us(kStart + (steps.back().at + 1) * kSecondUs);
    append(records);
  }

  TrainPlace place() {
    return {io::system_files(),
            log_directory(),
            *store,
            folder + "/training",
            thread_executor(),
            1,
            clock,
            "test"};
  }
  TrainRequest request(Kind kind, const std::map<std::string, double>& parameters = {}) {
    TrainRequest out;
    out.tenant = tenant;
    out.recipe = make_recipe(kind, parameters).value();
    return out;
  }
  static std::map<std::string, double> small_ials() {
    return {{"dimensions", 16}, {"epochs", 6}, {"unobserved", 0.1}};
  }

  TenantId tenant{7};
  std::string folder;
  ManualClock clock;
  std::unique_ptr<blob::DirectoryStore> objects;
  std::unique_ptr<ModelStore> store;

 private:
  std::unique_ptr<eventlog::Writer> writer_;
  int next_event_ = 0;
};

}  // namespace vitrine::learn
