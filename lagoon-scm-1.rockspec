-- SPDX-License-Identifier: MIT
--
-- luarocks --lua-version=5.1 make      with LUAJIT=system in front: nothing is fetched
rockspec_format = "3.0"
package = "lagoon"
version = "scm-1"
source = {
    url = "git+file://.", -- `luarocks make` builds the tree that it stands in
}
description = {
    summary = "Go's concurrency for Lua: goroutines, channels and select, on a scheduler in C",
    license = "MIT",
    labels = { "concurrency", "network", "parallel" },
}
supported_platforms = { "linux" }
dependencies = {
    "lua == 5.1", -- LuaJIT
}
build = {
    type = "make",
    build_target = "packages",
    build_variables = { PARTS = "lua" },
    install_variables = {
        PARTS = "lua",
        LUA_LIBDIR = "$(LIBDIR)",
        DESTDIR = "",
    },
}
