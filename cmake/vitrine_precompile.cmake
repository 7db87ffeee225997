# Headers that nearly every file includes, read by the compiler once instead of hundreds of times.
#
# Only where VITRINE_PRECOMPILE is on (tests with and without sanitizers): the other presets compile
# each file with what it includes itself, so that a missing #include is found.
option(VITRINE_PRECOMPILE "Precompile the standard library's and GoogleTest's headers" OFF)

set(VITRINE_PRECOMPILED_HEADERS
  <algorithm> <array> <atomic> <bit> <charconv> <chrono> <cmath> <cstdint> <cstring> <functional> <map>
  <memory> <mutex> <optional> <random> <span> <sstream> <string> <string_view> <thread> <unordered_map> <utility> <vector>)

# Two libraries of nothing but these headers: for the product's code, and for tests.
function(vitrine_make_precompiled)
  if(NOT VITRINE_PRECOMPILE)
    return()
  endif()
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cc CONTENT "")
  add_library(vitrine_precompiled STATIC ${PROJECT_BINARY_DIR}/precompiled.cc)
  target_precompile_headers(vitrine_precompiled PRIVATE ${VITRINE_PRECOMPILED_HEADERS})
  vitrine_warnings(vitrine_precompiled)  # -Wpedantic changes what is predefined
  if(VITRINE_TESTS)
    add_library(vitrine_precompiled_tests STATIC ${PROJECT_BINARY_DIR}/precompiled.cc)
    target_precompile_headers(vitrine_precompiled_tests PRIVATE
      ${VITRINE_PRECOMPILED_HEADERS} <fstream> <gmock/gmock.h> <gtest/gtest.h>)
    target_link_libraries(vitrine_precompiled_tests PRIVATE GTest::gmock)
    vitrine_warnings(vitrine_precompiled_tests)
    vitrine_test_options(vitrine_precompiled_tests)
  endif()
endfunction()

# `of` is vitrine_precompiled or vitrine_precompiled_tests. Sources with compile options of their
# own (kernels) are left out: such headers serve one set of options only.
function(vitrine_use_precompiled target of)
  if(NOT VITRINE_PRECOMPILE)
    return()
  endif()
  target_precompile_headers(${target} REUSE_FROM ${of})
  cmake_language(EVAL CODE "cmake_language(DEFER CALL _vitrine_skip_own_options ${target})")
endfunction()

function(_vitrine_skip_own_options target)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    if(options)
      set_source_files_properties(${source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
    endif()
  endforeach()
endfunction()
