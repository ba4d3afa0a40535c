-- SPDX-License-Identifier: MIT
function love.conf(t)
    t.identity = "lagoon-boats"
    t.window.title = "Boats"
    t.window.width, t.window.height = 640, 400
    for _, unused in ipairs { "audio", "sound", "joystick", "physics" } do
        t.modules[unused] = false
    end
end
