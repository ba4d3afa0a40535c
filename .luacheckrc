std = "luajit"
max_line_length = 100
exclude_files = { "build" }
-- An underscore says that an argument is there for its position.
ignore = { "212/_.*", "212/self" }
files["spec"] = { std = "+busted" }
files["**/*_spec.lua"] = { std = "+busted" }
-- What is sent to another state has its own variables, of the same names.
files["**/*parallel*_spec.lua"] = { std = "+busted", ignore = { "431" } }
files["**/*blocking*_spec.lua"] = { std = "+busted", ignore = { "431" } }
files["**/thread_spec.lua"] = { std = "+busted", ignore = { "431" } }
-- The program sets `arg`, as luajit does in C.
files["scripts/lagoon/program.lua"] = { globals = { "arg" } }
files["scripts/lagoon/repl/session.lua"] = { globals = { "lagoon" } }
-- Programs for LÖVE, which sets it, too.
files["bench/peers/love"] = { std = "luajit+love", globals = { "arg" } }
files["examples/embed/love"] = { std = "luajit+love" }
files["examples/embed/neovim"] = { read_globals = { "vim" } }
files["examples/embed/sdl"] = { read_globals = { "draw" } }
