// Visitors of a simulated shop that are no people, of several kinds.
//
// What a robot does follows from the seed and its number, nothing else. Of each kind some are
// clumsy and some try not to be noticed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/event/event.h"
#include "tool/simulate/shop.h"

namespace vitrine::simulate {

enum class RobotKind : std::uint8_t {
  kCrawler,     // reads the catalog from one end to the other
  kPriceWatch,  // the same items again and again, by a timer
  kScraper,     // bursts of pages that nobody looks at
  kPusher,      // one item, viewed and put into the cart all day
  kOrders,      // orders that are none
  kClicks,      // clicks on lists, never a page
  kFarm,        // one item, by many new visitors with one or two events each
  kPolite,      // a crawler that is no busier than a customer: not to be told apart
};
inline constexpr std::size_t kRobotKinds = 8;
std::string_view robot_kind_name(RobotKind kind);

// An event on its way to the shop, of a person or a robot.
struct Doing {
  TimeUs at = 0;
  event::EventType type = event::EventType::kCustom;
  std::uint32_t who = 0;  // index of Crowd::ids
  std::vector<ItemNo> items;
};

// All who come, and what they do in order of time.
struct Crowd {
  std::vector<std::string> ids;
  // By who: the robot's kind, kRobotKinds for people.
  std::vector<std::uint8_t> kinds;
  std::vector<Doing> doings;
  std::size_t robot_events = 0;
};

// People of the history of `shop`, whose pages are 5 to 55 s apart, one in fifty of them hard to
// tell from a robot (orders of 200 lines, each of them an event; tabs by the dozen; evenings of 200
// pages); and robots of all kinds in turn until they make up `percent` (0 .. 90) of all events.
// Errors are those of the simulation.
Result<Crowd> make_crowd(const Shop& shop, std::uint32_t percent);

}  // namespace vitrine::simulate
