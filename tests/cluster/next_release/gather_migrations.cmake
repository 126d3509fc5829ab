# Lays a later release's migrations into one folder: this one's, then those of `MORE`, numbered on. In their text @previous@ stands for the
# number before their own.
#   cmake -D FIRST=storage/migrations -D "MORE=a.sql b.sql" -D OUTPUT=folder -P gather_migrations.cmake

file(GLOB first "${FIRST}/*.sql")
separate_arguments(MORE)
file(REMOVE_RECURSE "${OUTPUT}")
file(COPY ${first} DESTINATION "${OUTPUT}")
list(LENGTH first number)
foreach(file IN LISTS MORE)
  set(previous ${number})
  math(EXPR number "${number} + 1")
  string(LENGTH "0000${number}" length)
  math(EXPR start "${length} - 4")
  string(SUBSTRING "0000${number}" ${start} 4 prefix)
  get_filename_component(name "${file}" NAME)
  string(REGEX REPLACE "^[0-9]+_" "" name "${name}")
  configure_file("${file}" "${OUTPUT}/${prefix}_${name}" @ONLY)
endforeach()
