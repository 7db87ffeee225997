// Small things to say to the server, and to find in what it says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/test_server.h"

namespace vitrine::integration {

// By JSON pointer; a failure of the test, and empty, where there is no such value.
std::string text_at(std::string_view json, std::string_view pointer);
double number_at(std::string_view json, std::string_view pointer);
bool has(std::string_view json, std::string_view pointer);

// The item_id of each of `items`.
std::vector<std::string> item_ids(std::string_view json);

std::string item_path(std::string_view item_id);  // "/v1/items/a%2Fb"
std::string json_text(std::string_view text);     // as JSON

std::string view_event(std::string_view event_id, std::string_view user, std::string_view item);
// With `extra` put into the item: "\"price\":9".
std::string event(std::string_view event_id, std::string_view type, std::string_view user,
                  std::string_view item, std::string_view extra = {});
// A JSON array.
std::string batch(const std::vector<std::string>& events);

// What the placement shows to a user, in order.
std::vector<std::string> recently_viewed(TestServer& server, const Shop& shop,
                                         std::string_view user, std::string_view version);

// Waits until the indexes of search and of likeness hold every catalog change made so far, so that
// equal requests get equal answers; fails the test after ten seconds.
void wait_until_indexed(TestServer& server);

// Is this an RFC 9457 document of that status, with code, title and detail?
void expect_problem(const Answer& answer, int status, std::string_view code = {});

}  // namespace vitrine::integration
