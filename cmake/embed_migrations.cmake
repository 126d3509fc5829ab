# Writes storage/migrations/*.sql into a C++ file, so that a program carries its schema wherever it runs.
# Included by the build it defines souk_embed_migrations(<output>); run with -P it does the writing.

if(CMAKE_SCRIPT_MODE_FILE)
  file(GLOB files "${SOURCE_DIR}/*.sql")
  list(SORT files)
  set(rows "")
  set(number 0)
  foreach(file IN LISTS files)
    math(EXPR number "${number} + 1")
    get_filename_component(name "${file}" NAME)
    string(LENGTH "0000${number}" length)
    math(EXPR start "${length} - 4")
    string(SUBSTRING "0000${number}" ${start} 4 expected)
    if(NOT name MATCHES "^${expected}_")
      message(FATAL_ERROR "migration ${name} should be number ${expected}")
    endif()
    file(READ "${file}" sql)
    string(APPEND rows "  {${number}, \"${name}\", R\"migration(${sql})migration\"},\n")
  endforeach()
  file(WRITE "${OUTPUT}"
    "#include \"storage/migrator.hpp\"\n\nnamespace souk::storage {\n\n"
    "static constexpr migration embedded[] = {\n${rows}};\n\n"
    "std::span<const migration> all_migrations() {\n  return embedded;\n}\n\n} // namespace souk::storage\n")
  return()
endif()

function(souk_embed_migrations target)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/storage/migrations/*.sql)
  set(output ${CMAKE_BINARY_DIR}/migrations.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D SOURCE_DIR=${CMAKE_SOURCE_DIR}/storage/migrations -D OUTPUT=${output} -P
            ${CMAKE_SOURCE_DIR}/cmake/embed_migrations.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/cmake/embed_migrations.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
