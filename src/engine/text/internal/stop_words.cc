#include "engine/text/internal/stop_words.h"

#include <utility>

namespace vitrine::text::internal {

std::string_view stop_words_of(std::string_view language) {
  static constexpr std::pair<std::string_view, std::string_view> kLists[] = {
      {"danish", "af at de den der det du en er et for fra han har i jeg med og om på som til var"},
      {"dutch",
       "aan als bij dat de den der die dit door een en er het hij ik in is met naar niet of om ook "
       "op te tot uit van voor was zijn"},
      {"english",
       "a an and are as at be by for from has have in into is it its of on or so than that the "
       "their then these this those to was were which will with"},
      {"finnish", "ei että hän ja jos kun me mikä mutta ne niin no nyt oli on se tai tämä vai"},
      {"french",
       "à au aux avec ce ces d dans de des du elle en est et il je l la le les leur mais n ne ou "
       "par pas pour qu que qui sa se ses son sur un une vous y"},
      {"german",
       "aber als am an auch auf aus bei das dass dem den der des die ein eine einem einen einer "
       "eines er es für im in ist mit nach nicht oder sich sie sind so um und vom von vor war wie "
       "zu zum zur"},
      {"italian",
       "a ad al alla alle ai che con da dal dalla dei del della delle di e ed gli i il in la le lo "
       "ma nel nella non o per più se si su sul un una uno"},
      {"norwegian",
       "av at de den der det du en er et for fra han har i jeg med og om på som til var"},
      {"portuguese",
       "a ao aos as com da das de do dos e em na nas no nos não o os ou para pela pelo por que se "
       "sem um uma"},
      {"russian",
       "а без бы в во для до и из или к как на не но о об от по при с со так то у что это"},
      {"spanish",
       "a al como con de del e el en es la las lo los más no o para pero por que se sin su sus un "
       "una y"},
      {"swedish",
       "att av de den det du en ett för från han har i jag med och om på som till var är"},
  };
  for (const auto& [name, words] : kLists)
    if (name == language) return words;
  return {};
}

}  // namespace vitrine::text::internal
