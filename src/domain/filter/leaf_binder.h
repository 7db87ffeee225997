// Turns one comparison of a filter into a Leaf: looks up the name, checks the types, translates
// the values into codes, numbers and times of the catalog.
#pragma once

#include "domain/filter/ast.h"
#include "domain/filter/leaf.h"

namespace vitrine::filter {

Result<Leaf> bind_leaf(const Comparison& comparison, const catalog::Catalog& catalog, TimeUs now);

}  // namespace vitrine::filter
