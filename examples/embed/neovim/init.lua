-- SPDX-License-Identifier: MIT
--
-- nvim -u examples/embed/neovim/init.lua       then  :Grep PATTERN [PATH...]
--
-- A grep in the background: all cores read files, what they find drips into the quickfix list, and
-- one may type meanwhile. PATTERN is one of Lua's. :GrepStop ends it.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
package.path = here .. "?.lua;" .. package.path

local grep = require "grep"

vim.api.nvim_create_user_command("Grep", function(command)
    local pattern, paths = command.fargs[1], { unpack(command.fargs, 2) }
    grep.start(pattern, paths[1] and paths or { "." })
end, { nargs = "+", complete = "file" })

vim.api.nvim_create_user_command("GrepStop", grep.stop, {})
