-- SPDX-License-Identifier: MIT
--
-- lagoon.fs: files, without blocking the thread. Errors are `nil, message, code`, the code as
-- "ENOENT".
local core = require "lagoon.core"

local raise, OK = core.raise, core.OK

-- The results of a C half that has waited.
local function settle(code, ...)
    if code == OK then
        return ...
    end
    return raise(code, (...))
end

local fs = {}

---All that stands in a file. Go: `os.ReadFile`.
---@async
---@param path string
---@return string? data
---@return string? err
---@return string? code
function fs.read(path)
    return settle(core.fs_read(path))
end

---Writes a file anew, or makes it. Go: `os.WriteFile`.
---@async
---@param path string
---@param data string|number
---@return true? ok
---@return string? err
---@return string? code
function fs.write(path, data)
    return settle(core.fs_write(path, data))
end

---@class lagoon.Stat
---@field type "file"|"directory"|"link"|"fifo"|"socket"|"char"|"block"|"unknown"
---@field size integer  bytes
---@field mode integer  permissions
---@field mtime number  seconds since 1970

---What a path leads to. Go: `os.Stat`.
---@async
---@param path string
---@return lagoon.Stat? stat
---@return string? err
---@return string? code
function fs.stat(path)
    return settle(core.fs_stat(path))
end

---The names in a directory, in order. Go: `os.ReadDir`.
---@async
---@param path string
---@return string[]? names
---@return string? err
---@return string? code
function fs.list(path)
    local names, err, code = settle(core.fs_list(path))
    if names then
        table.sort(names)
    end
    return names, err, code
end

---Makes a directory. Go: `os.Mkdir`.
---@async
---@param path string
---@return true? ok
---@return string? err
---@return string? code
function fs.mkdir(path)
    return settle(core.fs_mkdir(path))
end

---Removes a file, or a directory that is empty. Go: `os.Remove`.
---@async
---@param path string
---@return true? ok
---@return string? err
---@return string? code
function fs.remove(path)
    return settle(core.fs_remove(path))
end

---Renames a file or directory; one that has the new name is replaced. Go: `os.Rename`.
---@async
---@param from string
---@param to string
---@return true? ok
---@return string? err
---@return string? code
function fs.rename(from, to)
    return settle(core.fs_rename(from, to))
end

return fs
