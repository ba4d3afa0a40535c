-- SPDX-License-Identifier: MIT
--
-- lagoon.fs: files, without blocking the thread. Errors are `nil, message, code`, the code as
-- "ENOENT".
local core = require "lagoon.core"
local stream = require "lagoon.stream"
local settle = require("lagoon.waited").settle
local fswatch = require "lagoon.fswatch"

local classes = core.classes

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

---An open file. Calls on it are done one after the other, in the order in which they came.
---@class lagoon.File: lagoon.Stream
local File = stream.new_class(core.file_read, core.file_write)
classes.file.__index = File

---Moves to a position, and tells which it is, from the start. As Lua's own: without arguments it
---only tells.
---@async
---@param whence? "set"|"cur"|"end"  "cur"
---@param offset? integer  0
---@return integer? position
---@return string? err
---@return string? code  "ESPIPE": it has none
function File:seek(whence, offset)
    return settle(core.file_seek(self, whence, offset))
end

---Waits until what was written is on the disk.
---@async
---@return true? ok
---@return string? err
---@return string? code
function File:sync()
    return settle(core.file_sync(self))
end

---What the file is, as fs.stat().
---@async
---@return lagoon.Stat? stat
---@return string? err
---@return string? code
function File:stat()
    return settle(core.file_stat(self))
end

---Closes the file, behind what is being done with it: nothing is written any more when it returns.
---Who stands in line gets `nil, "closed"`.
---@async
---@return true? ok
---@return string? err
---@return string? code
function File:close()
    return settle(core.file_close(self))
end

---Opens a file; modes as Lua's own, and "x" behind "w" or "a": only if there is none. Go:
---`os.OpenFile`.
---@async
---@param path string
---@param mode? "r"|"w"|"a"|"r+"|"w+"|"a+"|"wx"|"ax"|"w+x"|"a+x"  "r"
---@return lagoon.File? file
---@return string? err
---@return string? code
function fs.open(path, mode)
    return settle(core.file_open(path, mode))
end

fs.watch = fswatch.watch
fs.unwatch = fswatch.unwatch

return fs
