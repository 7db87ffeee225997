# One function makes a module; files are listed, never globbed.
#
#   vitrine_module(NAME eventlog
#     HDRS writer.h   SRCS writer.cc   DEPS base io PkgConfig::ZSTD
#     TESTS writer_test.cc   TEST_DEPS testing_io
#     FUZZERS reader_fuzz.cc)
#
# DEPS that are modules are written by their short name. Each module becomes the static library
# vitrine_NAME, its tests one program vitrine_NAME_test, each fuzzer a program of its file's name
# (with a fuzzing engine in the fuzz preset; elsewhere a program that replays given files and
# a fixed number of generated inputs, so that a fuzzer can't rot).
function(vitrine_module)
  cmake_parse_arguments(M "" "NAME" "HDRS;SRCS;DEPS;TESTS;TEST_DEPS;FUZZERS" ${ARGN})
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "vitrine_module(${M_NAME}): unknown ${M_UNPARSED_ARGUMENTS}")
  endif()
  set(library vitrine_${M_NAME})
  add_library(${library} STATIC ${M_SRCS} ${M_HDRS})
  target_include_directories(${library} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  _vitrine_link(${library} PUBLIC ${M_DEPS})
  vitrine_warnings(${library})

  if(M_TESTS AND VITRINE_TESTS)
    set(test ${library}_test)
    add_executable(${test} ${M_TESTS})
    _vitrine_link(${test} PRIVATE ${M_NAME} ${M_TEST_DEPS} GTest::gmock GTest::gtest_main)
    vitrine_warnings(${test})
    vitrine_test_options(${test})
    if(VITRINE_SANITIZE)
      # Starting a program takes the sanitizers longer than most tests: halves, not single tests.
      foreach(half 0 1)
        add_test(NAME ${M_NAME}.half${half} COMMAND ${test} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        set_tests_properties(${M_NAME}.half${half} PROPERTIES TIMEOUT 1200
          ENVIRONMENT "GTEST_TOTAL_SHARDS=2;GTEST_SHARD_INDEX=${half};GTEST_BRIEF=1")
      endforeach()
    else()
      gtest_discover_tests(${test} TEST_PREFIX "${M_NAME}." DISCOVERY_TIMEOUT 60
        PROPERTIES TIMEOUT 300 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    endif()
  endif()

  foreach(source IN LISTS M_FUZZERS)
    get_filename_component(fuzzer ${source} NAME_WE)
    if(VITRINE_FUZZ)
      add_executable(${fuzzer} ${source})
      target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
    elseif(VITRINE_TESTS)
      add_executable(${fuzzer} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz_replay.cc)
      add_test(NAME fuzz.${fuzzer} COMMAND ${fuzzer} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${fuzzer})
      set_tests_properties(fuzz.${fuzzer} PROPERTIES TIMEOUT 300)
    else()
      continue()
    endif()
    _vitrine_link(${fuzzer} PRIVATE ${M_NAME} ${M_TEST_DEPS})
    vitrine_warnings(${fuzzer})
  endforeach()
endfunction()

# A test's own code need not be fast; optimising it is a third of the sanitizers' build.
function(vitrine_test_options target)
  if(VITRINE_SANITIZE)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

# A program outside the modules: an app or a benchmark.
function(vitrine_program)
  cmake_parse_arguments(P "" "NAME" "SRCS;DEPS" ${ARGN})
  add_executable(${P_NAME} ${P_SRCS})
  target_include_directories(${P_NAME} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  _vitrine_link(${P_NAME} PRIVATE ${P_DEPS})
  vitrine_warnings(${P_NAME})
endfunction()

function(_vitrine_link target visibility)
  foreach(dep IN LISTS ARGN)
    if(dep MATCHES "::" OR dep MATCHES "^-")
      target_link_libraries(${target} ${visibility} ${dep})
    else()
      target_link_libraries(${target} ${visibility} vitrine_${dep})
    endif()
  endforeach()
endfunction()

function(vitrine_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-array-bounds>)
endfunction()
