-- SPDX-License-Identifier: MIT
-- Turns docs/reference/program.md into the manual page lagoon(1): headings, paragraphs, tables of
-- two columns, lists and code, which is all that the manual has.
--
--   lagoon tools/man.lua VERSION <docs/reference/program.md >lagoon.1

local VERSION = assert(arg[1], "no version")

local function escape(text)
    return (text:gsub("\\", "\\e"):gsub("%-", "\\-"))
end

-- Text outside of code; what is behind a link is not in reach of a terminal.
local function inline(text)
    local parts = {}
    text = text:gsub("%[([^%]]*)%]%([^)]*%)", "%1"):gsub("%*%*(.-)%*%*", "%1")
    for before, code, after in (text .. "``"):gmatch("([^`]*)`([^`]*)`([^`]*)") do
        parts[#parts + 1] = escape(before)
        parts[#parts + 1] = code ~= "" and "\\fB" .. escape(code) .. "\\fR" or ""
        parts[#parts + 1] = escape(after)
    end
    -- At the beginning of a line these would be a command.
    return (table.concat(parts):gsub("^([.'])", "\\&%1"))
end

local out = {}

local function put(...)
    out[#out + 1] = table.concat({ ... })
end

local function put_code(lines)
    put ".PP"
    put ".RS 4"
    put ".nf"
    for _, line in ipairs(lines) do
        put((escape(line):gsub("^([.'])", "\\&%1")))
    end
    put ".fi"
    put ".RE"
end

-- A row of a table. Its head, and the line below it, are left out.
local function put_row(line, is_head)
    local first, second = line:match("^|%s*(.-)%s*|%s*(.-)%s*|%s*$")
    assert(first, "a row has not two cells: " .. line)
    if not is_head and not first:find("^%-+$") then
        put ".TP"
        put(inline(first))
        put(inline(second))
    end
end

local function is_indented(line)
    return line:find("^    ")
end

local function is_more_of_item(line)
    return line:find("^  %S")
end

local function is_fenced(line)
    return not line:find("^```")
end

local function is_text(line)
    return line ~= "" and not (line:find("^[|#%s]") or line:find("^%- ") or line:find("^```"))
end

local function convert(lines)
    local i, is_in_table = 1, false
    local function take(belongs, indent)
        local taken = {}
        while lines[i] and belongs(lines[i]) do
            taken[#taken + 1] = lines[i]:sub(indent + 1)
            i = i + 1
        end
        return taken
    end
    while lines[i] do
        local line = lines[i]
        if is_indented(line) then
            put_code(take(is_indented, 4))
        elseif is_text(line) then
            put ".PP"
            put(inline(table.concat(take(is_text, 0), " ")))
        else
            i = i + 1
            if line:find("^|") then
                put_row(line, not is_in_table)
            elseif line:find("^## ") then
                put(".SH ", (line:sub(4):upper()))
            elseif line:find("^```") then
                put_code(take(is_fenced, 0))
                i = i + 1
            elseif line:find("^%- ") then
                put ".IP \\(bu 3"
                put(inline(line:sub(3) .. " " .. table.concat(take(is_more_of_item, 2), " ")))
            else
                assert(line == "" or line:find("^# "), "cannot read: " .. line)
            end
        end
        is_in_table = line:find("^|") ~= nil
    end
end

-- The manual begins with its title and, indented, how the program is called.
local lines, synopsis = {}, nil
for line in io.lines() do
    if not synopsis and is_indented(line) then
        synopsis = line:sub(5)
    else
        lines[#lines + 1] = line
    end
end
put('.TH LAGOON 1 "" "lagoon ', VERSION, '"')
put ".SH NAME"
put "lagoon \\- runs Lua scripts with goroutines, channels and select"
put ".SH SYNOPSIS"
put(inline(synopsis))
put ".SH DESCRIPTION"
convert(lines)
io.write(table.concat(out, "\n"), "\n")
