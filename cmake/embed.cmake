# Puts a text file into a program, so that it serves the file wherever it runs.
# Included by the build it defines souk_embed(<target> <file> <namespace> <function>), which gives the target a function
# `std::string_view <namespace>::<function>()`; run with -P it does the writing.

if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${SOURCE}" text)
  file(WRITE "${OUTPUT}"
    "#include <string_view>\n\nnamespace ${NAMESPACE} {\n\n"
    "std::string_view ${FUNCTION}();\n"
    "std::string_view ${FUNCTION}() {\n  return R\"embedded(${text})embedded\";\n}\n\n} // namespace ${NAMESPACE}\n")
  return()
endif()

function(souk_embed target file namespace function)
  set(output ${CMAKE_BINARY_DIR}/embedded_${function}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${CMAKE_SOURCE_DIR}/${file} -D OUTPUT=${output} -D NAMESPACE=${namespace}
            -D FUNCTION=${function} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/${file} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
