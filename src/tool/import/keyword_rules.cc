#include "tool/import/keyword_rules.h"

#include <algorithm>
#include <utility>

namespace vitrine::importer {
namespace {

struct Rule {
  std::string_view category;
  std::string_view words;  // singular, between blanks
};

// The season before everything, then what a thing is before what it is made of or stands on: a
// "christmas tea towel" is christmas, a "lunch bag" a bag, a "t-light holder" a candle.
constexpr Rule kRules[] = {
    {"christmas", " christmas xmas santa reindeer snowman advent snowflake nativity rudolph noel "},
    {"candles", " candle tealight candlestick incense candelabra tlight lantern votive "},
    {"lights", " light lamp chandelier bulb lampshade nightlight torch "},
    {"bags", " bag shopper handbag rucksack purse wallet suitcase satchel tote backpack "},
    {"mugs", " mug cup teacup beaker tumbler "},
    {"stationery",
     " card notebook pen pencil paper wrap sticker tape journal letter envelope eraser rubber "
     "ruler chalk sketchbook organiser calendar stamp ribbon tag crayon "},
    {"jewellery",
     " necklace bracelet earring brooch bangle ring pendant hairclip hairslide bead tiara "
     "diamante phonecharm "},
    {"toys",
     " toy doll puppet jigsaw game playhouse skipping dolly dinosaur marble yoyo "
     "robot teddy dominoes ludo harmonica snap playing ball rocking babushka "},
    {"party", " party bunting garland balloon streamer birthday napkin confetti doily "},
    {"kitchen",
     " cake cakestand cakecase kitchen bowl plate tea teapot jug spoon cutlery egg jar apron oven "
     "cook baking tray "
     "lunch bottle tin recipe pantry jelly dish coaster colander coffee sugar bread biscuit whisk "
     "fork knife jam placemat snack glass saucer butter fridge straw corkscrew chopstick "
     "popcorn dinner cookie pan wok picnic cutter crockery mould "},
    {"garden",
     " garden gardener plant planter watering parasol hammock seed herb bird birdcage birdhouse "
     "flowerpot trowel windmill chime cage hen hook thermometer trellis "},
    {"bath",
     " bath bathroom soap towel sponge toothbrush laundry hairbrush tissue plaster warmer "},
    {"textiles", " cushion throw quilt blanket rug doormat curtain pillow fabric slipper apron "},
    {"furniture",
     " cabinet drawer chair table stool shelf shelve rack stand wardrobe bench desk chest "},
    {"decoration",
     " frame sign clock heart decoration wall mirror art wreath hanger hanging ornament vase "
     "picture flower butterfly star photo cushion knob magnet doorstop angel cherub tile "},
};

constexpr std::string_view kColours =
    " pink blue red white black green ivory silver cream purple gold yellow brown orange grey "
    "turquoise lilac ";

bool has_word(std::string_view words, std::string_view word) {
  for (std::size_t at = words.find(word); at != std::string_view::npos;
       at = words.find(word, at + 1)) {
    if (words[at - 1] == ' ' && words[at + word.size()] == ' ') return true;
  }
  return false;
}

// Also a plural: "candles" counts as "candle", "glasses" as "glass".
bool has_word_or_singular(std::string_view words, std::string_view word) {
  if (has_word(words, word)) return true;
  if (word.size() > 3 && word.ends_with('s') && has_word(words, word.substr(0, word.size() - 1))) {
    return true;
  }
  return word.size() > 4 && word.ends_with("es") &&
         has_word(words, word.substr(0, word.size() - 2));
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (small >= 'a' && small <= 'z') {
      word.push_back(small);
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  // "t-light" is one word to a shop: as two it would be a lamp.
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "t" && (words[i + 1] == "light" || words[i + 1] == "lights")) {
      words[i] = "tlight";
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }
  return words;
}

}  // namespace

std::string_view category_by_keyword(std::string_view description) {
  const auto words = words_of(description);
  for (const Rule& rule : kRules) {
    if (std::any_of(words.begin(), words.end(),
                    [&](const auto& word) { return has_word_or_singular(rule.words, word); })) {
      return rule.category;
    }
  }
  return "other";
}

std::vector<std::string> colours_by_keyword(std::string_view description) {
  std::vector<std::string> colours;
  for (auto& word : words_of(description)) {
    if (has_word(kColours, word) &&
        std::find(colours.begin(), colours.end(), word) == colours.end()) {
      colours.push_back(std::move(word));
    }
  }
  return colours;
}

std::vector<std::string_view> keyword_categories() {
  std::vector<std::string_view> categories;
  for (const Rule& rule : kRules) categories.push_back(rule.category);
  categories.push_back("other");
  return categories;
}

}  // namespace vitrine::importer
