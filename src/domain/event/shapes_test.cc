#include "domain/event/shapes.h"

#include <string>

#include <gtest/gtest.h>

namespace vitrine::event {
namespace {

TEST(Shapes, AnAddressLeadsToASiteOrAnApp) {
  for (const char* url : {"https://shop.example/a?b=c#d", "HTTP://x", "/", "/shoes/42", "//cdn/x",
                          "android-app://com.google.android.gm/",
                          "https://b\xC3\xBC"
                          "cher.example"})
    EXPECT_TRUE(is_url(url)) << url;
  for (const char* url : {"", "javascript:alert(1)", "data:text/html,x", "shop.example", "https://",
                          "ftp://x", "https://a b", "https://a\"b", "/<b>", "/a\\b", "/a\n"})
    EXPECT_FALSE(is_url(url)) << url;
  EXPECT_TRUE(is_url("/" + std::string(kUrlBytesMax - 1, 'a')));
  EXPECT_FALSE(is_url("/" + std::string(kUrlBytesMax, 'a')));
}

TEST(Shapes, ALocaleIsALanguageTag) {
  for (const char* locale : {"de", "en-GB", "en_US", "zh-Hant-TW", "sr-Latn", "es-419",
                             "de-CH-1996", "tlh", "en_US.UTF-8", "th_TH@calendar=buddhist"})
    EXPECT_TRUE(is_locale(locale)) << locale;
  for (const char* locale : {"", "d", "1a", "en-", "-en", "en--GB", "english-languages", "en GB",
                             "en;q=0.9", "en@<b>", "@x", "en-verylongpart", "<b>"})
    EXPECT_FALSE(is_locale(locale)) << locale;
}

TEST(Shapes, ATimezoneIsANameOrAnOffset) {
  for (const char* zone :
       {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1",
        "America/Port-au-Prince", "EST5EDT", "+02:00", "-0330", "+05", "GMT+01:00"})
    EXPECT_TRUE(is_timezone(zone)) << zone;
  for (const char* zone : {"", "/", "Europe/", "/Berlin", "a//b", "a/b/c/d", "Europe/Ber lin", "+2",
                           "+02:0", "+ab:cd", "1", "../etc"})
    EXPECT_FALSE(is_timezone(zone)) << zone;
}

TEST(Shapes, ACurrencyHasThreeCapitals) {
  EXPECT_TRUE(is_currency("EUR"));
  for (const char* currency : {"", "EU", "eur", "EURO", "E1R"}) EXPECT_FALSE(is_currency(currency));
}

}  // namespace
}  // namespace vitrine::event
