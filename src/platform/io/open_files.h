// How many files and connections the process may have open.
#pragma once

#include <cstdint>

namespace vitrine::io {

// Raises the soft limit of open files to the hard one and gives the limit that then holds. The soft
// one is a mere 1,024 in most shells and services, for the sake of programs that use select().
std::uint64_t raise_open_files_limit();

// The connections that may be open under this limit: a log that can't open its next segment because
// clients hold every descriptor would be the end of the server. Half of the limit, or all but
// 1,024, stay for files.
std::uint64_t connections_within(std::uint64_t open_files_max, std::uint64_t wanted);

}  // namespace vitrine::io
