-- SPDX-License-Identifier: MIT
--
-- Closes a connection so that the other side gets what was written last: a socket that is closed
-- with something unread is reset, and a reset overtakes it.
local LINGER_S, LINGER_BYTES = 0.5, 256 * 1024

local linger = { MAX_BYTES = LINGER_BYTES }

---Waits for a moment until the other side has closed, too.
---@async
---@param conn lagoon.Conn
function linger.close(conn)
    conn:set_deadline(LINGER_S)
    conn:close_write()
    local n = 0
    while n < LINGER_BYTES do
        local data = conn:read()
        if not data then
            break
        end
        n = n + #data
    end
    conn:close()
end

return linger
