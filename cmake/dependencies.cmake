# Everything comes from Debian packages; several of them ship no CMake package file, so they are found by library name.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
find_package(PostgreSQL REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)

# souk_library(<target> <library> …): an interface target over plain libraries, or a clear error naming the missing one.
function(souk_library target)
  add_library(${target} INTERFACE)
  foreach(name IN LISTS ARGN)
    find_library(SOUK_LIB_${name} ${name})
    if(NOT SOUK_LIB_${name})
      message(FATAL_ERROR "library ${name} is missing: run ./souk setup")
    endif()
    target_link_libraries(${target} INTERFACE ${SOUK_LIB_${name}})
  endforeach()
endfunction()

souk_library(caf caf_core caf_io)
target_link_libraries(caf INTERFACE OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
souk_library(hiredis hiredis)
souk_library(sodium sodium)
souk_library(csv csv)
souk_library(httplib cpp-httplib)
target_link_libraries(httplib INTERFACE OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
souk_library(prometheus prometheus-cpp-core)
add_library(CLI11 INTERFACE) # header only
add_library(mustache INTERFACE) # header only: kainjow/mustache.hpp
# Messages are allocated by one thread and freed by another all the time: glibc's allocator took a quarter of the CPU time of an
# order that way, and jemalloc placed a quarter more orders (`souk bench spread`).
souk_library(jemalloc jemalloc)
