-- SPDX-License-Identifier: MIT
--
-- What runs on the other cores. Neovim's API is not there.
local search = {}

---The lines of a file that match, as entries of a quickfix list.
---@param path string
---@param pattern string
---@return table[]
function search.file(path, pattern)
    local found, number = {}, 0
    local file = io.open(path, "rb")
    if not file then
        return found
    end
    for line in file:lines() do
        number = number + 1
        local first = line:find(pattern)
        if first then
            local text = line:sub(1, 200)
            found[#found + 1] = { filename = path, lnum = number, col = first, text = text }
        elseif line:find("%z") then
            break -- no text
        end
    end
    file:close()
    return found
end

return search
