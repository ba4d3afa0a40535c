-- SPDX-License-Identifier: MIT
--
-- What runs in a program that somebody has attached to. bindings/attach.c starts this file as a
-- goroutine for each thing that a client says: the client's number, what kind of thing, and the
-- text. An error must not leave it: it would be the program's.
local id, kind, text = ...
local core = require "lagoon.core"

local ok, err = pcall(function()
    require("lagoon.repl.guests").take(id, kind, text)
end)
if not ok and kind ~= "" then
    pcall(core.attach_write, id, "O", tostring(err) .. "\n")
    if kind == "H" or kind == "I" then -- which wait for that
        pcall(core.attach_write, id, "R", "")
    end
end
