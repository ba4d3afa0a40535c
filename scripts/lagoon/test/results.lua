-- SPDX-License-Identifier: MIT
--
-- Files of results: opened before the tests run, written in their end, and whole or told of.
local results = {}

---@class lagoon.test.Results
---@field path string
local Results = {}
Results.__index = Results

---@param path string
---@return lagoon.test.Results?
---@return string? message
function results.open(path)
    local file, message = io.open(path, "wb")
    if not file then
        return nil, "cannot write " .. message
    end
    return setmetatable({ path = path, file = file, pieces = {} }, Results)
end

---As a file's.
---@param ... string
function Results:write(...)
    for i = 1, select("#", ...) do
        self.pieces[#self.pieces + 1] = (select(i, ...))
    end
end

function Results.flush() end

---Writes what has come.
---@return boolean? ok
---@return string? message
function Results:close()
    local is_written, message = self.file:write(table.concat(self.pieces))
    local is_closed, late = self.file:close()
    if is_written and is_closed then
        return true
    end
    return nil, ("cannot write %s: %s"):format(self.path, message or late)
end

return results
