-- SPDX-License-Identifier: MIT
--
-- The questions of bench/lua/message.lua, asked inside LÖVE.
arg[0] = "bench/lua/message.lua"
require("lagoon").run(function()
    dofile(arg[0])
end)
