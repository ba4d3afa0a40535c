-- SPDX-License-Identifier: MIT
--
-- LÖVE without window, sound and the rest: only what its threads need.
function love.conf(t)
    for name in pairs(t.modules) do
        t.modules[name] = false
    end
    t.modules.thread = true
    t.window = nil
end
