-- SPDX-License-Identifier: MIT
--
-- Runs a program of this folder, as bench/run calls it: love bench/peers/love PROGRAM SIZE.
require "love.thread"

local program, size = arg[2], arg[3]
arg = { [0] = "bench/lua/" .. program .. ".lua", size }
dofile("bench/peers/love/" .. program .. ".lua")
os.exit(0)
