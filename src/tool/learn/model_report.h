// The HTML report of a trained model: how it was judged beside the others, by whom and on what,
// what it cost, and whether it may be promoted.
#pragma once

#include <string>

#include "domain/model/manifest.h"

namespace vitrine::learn_tool {

// One page that stands alone (tool/evaluate/html_page.h). `tenant`: its name.
std::string model_page(const model::Manifest& manifest, const std::string& tenant);

// For a terminal: the table, the comparisons and the verdict.
std::string model_text(const model::Manifest& manifest);

}  // namespace vitrine::learn_tool
