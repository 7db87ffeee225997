// Where training reads histories and keeps one vector for each user: in memory, or in files that
// are read and written in order, a block of users at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/result.h"
#include "engine/spectral/interactions.h"
#include "platform/io/file_system.h"

namespace vitrine::factor {

struct UserBlock {
  std::uint32_t first_user = 0;
  // History of user first_user + n: items[begin[n]] .. items[begin[n + 1] - 1], rising.
  std::span<const std::uint64_t> begin;
  std::span<const std::uint32_t> items;
  std::uint32_t users() const { return static_cast<std::uint32_t>(begin.size()) - 1; }
  std::span<const std::uint32_t> history(std::uint32_t n) const {
    return items.subspan(begin[n], begin[n + 1] - begin[n]);
  }
};

// Not thread-safe. What read() and vectors() return is valid until the next call of the same name.
class UserStore {
 public:
  virtual ~UserStore() = default;
  virtual std::uint32_t users() const = 0;
  virtual std::uint64_t events() const = 0;
  // By item: how many users it has. As many entries as there are items.
  virtual std::span<const std::uint32_t> item_counts() const = 0;
  virtual std::uint32_t blocks() const = 0;
  virtual Result<UserBlock> read(std::uint32_t block) = 0;
  // users of the block x dimensions; the same number of dimensions always.
  virtual Status put_vectors(std::uint32_t block, std::span<const float> vectors) = 0;
  virtual Result<std::span<const float>> vectors(std::uint32_t block) = 0;
};

// `data` must outlive it. Memory: 4 bytes a user and dimension.
std::unique_ptr<UserStore> memory_users(const spectral::Interactions& data);

// A store in two files of `directory`, written once from any other store's histories. Blocks are
// checksummed: damage is kCorrupt with file and block. With an executor the next block is read, and
// the last one written, while one is worked with. Memory: two blocks with their vectors, three
// where vectors are put.
Status write_users(UserStore& from, io::FileSystem& files, const std::string& directory);
Result<std::unique_ptr<UserStore>> open_users(io::FileSystem& files, const std::string& directory,
                                              Executor* executor = nullptr);

}  // namespace vitrine::factor
