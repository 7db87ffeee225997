// Runs a fuzz target without a fuzzing engine: first every file of the folders given on the
// command line, then inputs made from them by a fixed random source: a fixed number, or as many as
// a minute allows. It keeps the targets building and passing in every test run; `make fuzz` does
// the searching.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::string mutate(std::string input, std::mt19937_64& random) {
  const int edits = 1 + static_cast<int>(random() % 8);
  for (int i = 0; i < edits; ++i) {
    const std::size_t at = input.empty() ? 0 : random() % input.size();
    switch (random() % 4) {
      case 0: input.insert(at, 1, static_cast<char>(random())); break;
      case 1:
        if (!input.empty()) input.erase(at, 1 + random() % 4);
        break;
      case 2:
        if (!input.empty()) input[at] = static_cast<char>(random());
        break;
      default: input.insert(at, input.substr(at, random() % 16)); break;
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> seeds{""};
  for (int i = 1; i < argc; ++i) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], ignored)) {
      std::ifstream file(entry.path(), std::ios::binary);
      seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  for (const auto& seed : seeds) run(seed);
  std::mt19937_64 random(1);
  constexpr int kRounds = 20000;
  // Targets that write files take as long as the disk does.
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  int rounds = 0;
  while (rounds < kRounds && std::chrono::steady_clock::now() < end) {
    run(mutate(seeds[random() % seeds.size()], random));
    ++rounds;
  }
  std::printf("%zu seeds and %d inputs made from them: passed\n", seeds.size(), rounds);
  return 0;
}
