-- SPDX-License-Identifier: MIT
--
-- Which lines have run, as a tracefile of lcov's: counted by a hook (bindings/testhook.c), in the
-- states of tasks, too.
local core = require "lagoon.core"

local coverage = {}

-- Folders whose files are specs and what they share.
local SPEC_FOLDERS = { spec = true, specs = true, test = true, tests = true }

---Begins to count.
function coverage.start()
    core.cover()
end

-- Adds the lines of a prototype's instructions, and of those in it. The first instruction is the
-- function's head, which does not run as a line of its own.
local function add_lines(f, lines)
    local jit_util = require "jit.util"
    for pc = 1, jit_util.funcinfo(f).bytecodes - 1 do
        local line = jit_util.funcinfo(f, pc).currentline
        if line and line > 0 then
            lines[line] = true
        end
    end
    local i = -1
    while true do
        local constant = jit_util.funck(f, i)
        if constant == nil then
            return
        elseif type(constant) == "proto" then
            add_lines(constant, lines)
        end
        i = i - 1
    end
end

---The lines of a file that can run, in order; nil: it is not there any more, or no Lua.
---@param path string
---@return integer[]?
function coverage.lines(path)
    local chunk = loadfile(path)
    if not chunk then
        return nil
    end
    local lines, list = {}, {}
    add_lines(chunk, lines)
    for line in pairs(lines) do
        list[#list + 1] = line
    end
    table.sort(list)
    return list
end

-- The path below the folder that the tests run in; nil: it is elsewhere.
local function inside(path, folder)
    if path:sub(1, 1) ~= "/" then
        path = path:gsub("^%./", "")
        return not path:find "^%.%./" and path or nil
    end
    return path:sub(1, #folder + 1) == folder .. "/" and path:sub(#folder + 2) or nil
end

local function is_spec(path, args)
    local name = path:match "[^/]*$"
    for _, pattern in ipairs(args.pattern) do
        if name:find(pattern) then
            return true
        end
    end
    for _, root in ipairs(args.ROOT) do
        root = root:gsub("^%./", ""):gsub("/+$", "")
        if SPEC_FOLDERS[root:match "[^/]*$"] and path:sub(1, #root + 1) == root .. "/" then
            return true
        end
    end
    return path == args.helper or name == ".busted"
end

-- Several names may be of one file: what a task's state calls it, for one.
local function hits_by_file(folder, args)
    local hits, is_whole = core.covered()
    local files, paths = {}, {}
    for name, counts in pairs(hits) do
        local path = inside(name, folder)
        if path and not is_spec(path, args) then
            if not files[path] then
                files[path] = {}
                paths[#paths + 1] = path
            end
            for line, n in pairs(counts) do
                files[path][line] = (files[path][line] or 0) + n
            end
        end
    end
    table.sort(paths)
    return files, paths, is_whole
end

local function write_record(out, path, lines, counts)
    local nhit = 0
    out:write("SF:", path, "\n")
    for _, line in ipairs(lines) do
        local n = counts[line] or 0
        nhit = nhit + (n > 0 and 1 or 0)
        out:write(("DA:%d,%.0f\n"):format(line, n))
    end
    out:write(("LF:%d\nLH:%d\nend_of_record\n"):format(#lines, nhit))
    return nhit
end

---Writes the tracefile.
---@param out table  a file
---@param folder string  the one that the tests run in, absolute
---@param args table  busted's
---@return integer nhit  lines that have run
---@return integer nlines  all
---@return boolean is_whole  there was memory for all
function coverage.write(out, folder, args)
    local files, paths, is_whole = hits_by_file(folder, args)
    local nhit, nlines = 0, 0
    out:write "TN:\n"
    for _, path in ipairs(paths) do
        local lines = coverage.lines(path)
        if lines then
            nhit = nhit + write_record(out, folder .. "/" .. path, lines, files[path])
            nlines = nlines + #lines
        end
    end
    return nhit, nlines, is_whole
end

return coverage
