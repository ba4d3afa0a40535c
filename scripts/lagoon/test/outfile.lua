-- SPDX-License-Identifier: MIT
--
-- A file of results, which tells in the end whether all of it was written: a disk may be full.
local outfile = {}

---@class lagoon.test.OutFile
local OutFile = {}
OutFile.__index = OutFile

---@param path string
---@return lagoon.test.OutFile?
---@return string? err
function outfile.open(path)
    local file, err = io.open(path, "wb")
    if not file then
        return nil, "cannot write " .. err
    end
    return setmetatable({ path = path, file = file }, OutFile)
end

local function note(self, ok, err)
    if not ok and not self.err then
        self.err = ("cannot write %s: %s"):format(self.path, tostring(err))
    end
end

function OutFile:write(...)
    note(self, self.file:write(...))
end

function OutFile:flush()
    note(self, self.file:flush())
end

---@return string? err  what went wrong first
function OutFile:close()
    note(self, self.file:flush())
    note(self, self.file:close())
    return self.err
end

return outfile
