// Settings from one table: each has a key, a default, a range and a help line, and can be set
// in the TOML file, in the environment or as a flag. Later ones win: default, file,
// environment, flag. The same table prints the help and the documentation.
//
//   key "server.port"  ->  [server] port = 8080   VITRINE_SERVER_PORT=8080   --server.port 8080
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace vitrine {

// Reads "64MiB", "10k", "1.5GiB", "4096" as a count of bytes or things. Powers of 1024 for
// KiB/MiB/GiB/TiB, of 1000 for k/M/G.
Result<std::uint64_t> parse_size(std::string_view text);
// Reads "250ms", "10s", "5m", "72h", "30d", "200us" as microseconds. A bare number is refused: its
// unit is unclear.
Result<std::int64_t> parse_duration_us(std::string_view text);

class ConfigTable {
 public:
  // `key` is dotted lower case. The targets keep their present value as the default, and must
  // outlive the table.
  void add_string(std::string key, std::string* target, std::string help);
  void add_bool(std::string key, bool* target, std::string help);
  void add_integer(std::string key, std::int64_t* target, std::int64_t min, std::int64_t max,
                   std::string help);
  void add_size(std::string key, std::uint64_t* target, std::uint64_t min, std::uint64_t max,
                std::string help);
  void add_duration(std::string key, std::int64_t* target_us, std::int64_t min_us,
                    std::int64_t max_us, std::string help);

  // Errors say which setting, where it was set, what is allowed; unknown keys are refused with
  // the nearest known one. `environment` is name -> value.
  Status apply_toml_file(const std::string& path);
  Status apply_toml(std::string_view text, std::string_view source_name);
  Status apply_environment(const std::map<std::string, std::string>& environment);
  Status apply_flag(std::string_view key, std::string_view value);

  struct Row {
    std::string key, environment_name, type, default_text, range, help;
  };
  std::vector<Row> rows() const;
  bool known(std::string_view key) const;
  // Keys and present values, for `--print-config`.
  std::string to_toml() const;

 private:
  struct Option {
    std::string key;
    std::string type;
    std::string default_text;
    std::string range;
    std::string help;
    std::function<Status(std::string_view)> set;
    std::function<std::string()> get;
  };
  void add(Option option);
  Status set(std::string_view key, std::string_view value, std::string_view where);
  std::string nearest(std::string_view key) const;
  std::vector<Option> options_;
};

}  // namespace vitrine
