-- SPDX-License-Identifier: MIT
--
-- :doc, which shows what is written about a value where it is declared: of lagoon's own by their
-- annotations, of a script's functions by the comment above them, in its file or in an input.
local annotation = require "lagoon.repl.annotation"
local lexer = require "lagoon.repl.lexer"
local luacats = require "lagoon.repl.luacats"
local manual = require "lagoon.repl.manual"

local doc = {}

local LUA_MANUAL = "https://www.lua.org/manual/5.1/manual.html#pdf-"
local LUAJIT_MANUAL = "https://luajit.org/extensions.html"
local OF_LUAJIT = { bit = true, ffi = true, jit = true }
local BASE = {}
for name in ([[assert collectgarbage dofile error gcinfo getfenv getmetatable ipairs load loadfile
    loadstring module next newproxy pairs pcall print rawequal rawget rawset require select setfenv
    setmetatable tonumber tostring type unpack xpcall]]):gmatch "%S+" do
    BASE[name] = true
end
local LIBRARIES = { "string", "table", "math", "io", "os", "coroutine", "debug", "package",
    "bit", "jit" }

-- ------------------------------------------------------------------------------------------------
-- What is asked for
-- ------------------------------------------------------------------------------------------------

local PLAIN = {}
for symbol in (". : ( ) [ ] { }"):gmatch "%S" do
    PLAIN[symbol] = true
end

-- Whether a text is names, fields and calls, without an operator outside of brackets.
local function is_path(text)
    local depth = 0
    for _, token in ipairs(lexer.tokens(text)) do
        local is_plain = token.kind == "name" or token.kind:find "string$" or PLAIN[token.text]
        if depth == 0 and not is_plain then
            return false
        elseif token.text:find "^[%(%[{]$" then
            depth = depth + 1
        elseif token.text:find "^[%)%]}]$" then
            depth = depth - 1
        end
    end
    return depth == 0
end

-- "a.b:c" as "a.b", "c"; nil: it does not end so.
local function split(text)
    local base, name = text:match "^(.*[^.:%s])%s*[.:]%s*([%a_][%w_]*)$"
    if base and is_path(text) then
        return base, name
    end
end

-- The value of an expression, and nothing but an expression; raises what that raises.
local function value_of(session, text)
    local f, message = loadstring("return (" .. text .. "\n)", "=:doc")
    if not f then
        error(message, 0)
    end
    return (setfenv(f, session.locals)())
end

---@class lagoon.repl.Asked
---@field text string  as it was typed
---@field value any
---@field container any
---@field name string?  in that

local function ask(session, text)
    local base, name = split(text)
    if not base then
        return { text = text, value = value_of(session, text), name = text:match "^[%a_][%w_]*$" }
    end
    local container = value_of(session, base)
    if container == nil then
        error(base .. " is nil", 0)
    end
    return { text = text, value = container[name], container = container, name = name }
end

-- ------------------------------------------------------------------------------------------------
-- Functions of the script's
-- ------------------------------------------------------------------------------------------------

local function lines_of(text)
    local lines = {}
    for line in (text .. "\n"):gmatch "([^\n]*)\n" do
        lines[#lines + 1] = line
    end
    return lines
end

-- An input, and those above that are nothing but comments; and on which line it begins.
local function input_text(session, n)
    local first = n
    while session.texts[first - 1] and lexer.is_comment(session.texts[first - 1]) do
        first = first - 1
    end
    local above = table.concat(session.texts, "\n", first, n - 1)
    local nlines = first == n and 0 or select(2, above:gsub("\n", "")) + 1
    return nlines == 0 and session.texts[n] or above .. "\n" .. session.texts[n], nlines
end

-- The text that a function was made of, where it stands as people are told, and the line in the
-- text; nil: nobody has kept it.
local function source_of(session, f)
    local info = debug.getinfo(f, "S")
    local path = info.source:match "^@(.*)$"
    local where = ("%s:%d"):format(info.short_src, info.linedefined)
    if path then
        local file = io.open(path, "rb")
        local text = file and file:read "*a"
        if file then
            file:close()
        end
        return text, where, info.linedefined
    end
    local n = tonumber(info.source:match "^=input (%d+)$")
    if n and session.texts[n] then
        local text, nabove = input_text(session, n)
        return text, where, info.linedefined + nabove
    end
    return info.source:match "^[^=@].*", where, info.linedefined
end

-- The comment that ends above a line.
local function comment_above(lines, line)
    local first = line
    while lines[first - 1] and lines[first - 1]:find "^%s*%-%-" do
        first = first - 1
    end
    local comment = {}
    for i = first, line - 1 do
        comment[#comment + 1] = lines[i]:match "^%s*%-%-%-?%s?(.*)$"
    end
    return comment
end

-- As manual.find(), of a function in a file or an input.
local function find_in_source(session, f)
    if type(f) ~= "function" or debug.getinfo(f, "S").what == "C" then
        return nil
    end
    local text, where, line = source_of(session, f)
    local lines = text and lines_of(text)
    if not lines or not lines[line] then
        return nil
    end
    return { comment = comment_above(lines, line), where = where,
        parameters = lines[line]:match "function%s*[%w_.:]*%s*%(([^)]*)%)",
        is_method = lines[line]:find "function%s+[%w_.]+:" ~= nil }
end

-- ------------------------------------------------------------------------------------------------
-- Lua's own
-- ------------------------------------------------------------------------------------------------

-- "string.format" of such a function; nil: it is none.
local function name_in_lua(value)
    for _, library in ipairs(LIBRARIES) do
        local t = package.loaded[library]
        for name, f in next, type(t) == "table" and t or {} do
            if rawequal(f, value) then
                return library .. "." .. name, library
            end
        end
        if rawequal(t, value) then
            return library, library
        end
    end
    for name in pairs(BASE) do
        if value ~= nil and rawequal(package.loaded._G[name], value) then
            return name
        end
    end
end

local function print_of_lua(session, value)
    local name, library = name_in_lua(value)
    if not name then
        return false
    elseif OF_LUAJIT[library] then
        session:print(("%s is LuaJIT's: %s"):format(name, LUAJIT_MANUAL))
    elseif name == library then
        session:print(("%s is a library of Lua's: %s"):format(name,
            LUA_MANUAL:gsub("pdf%-$", "5")))
    else
        session:print(("%s is Lua's own: %s%s"):format(name, LUA_MANUAL, name))
    end
    return true
end

-- ------------------------------------------------------------------------------------------------
-- Shown
-- ------------------------------------------------------------------------------------------------

-- How the value is called: a method of something with a colon.
local function title(asked, described)
    local base, name = split(asked.text)
    if base and described.is_method then
        return base .. ":" .. name .. described.signature
    end
    return asked.text .. described.signature
end

local NAME_MAX, KIND_MAX = 28, 24

-- Rows of a name, a type and a text. What is too long for its column pushes the text below.
local function print_rows(session, rows)
    local widths = { 0, 0 }
    for _, row in ipairs(rows) do
        widths[1] = math.max(widths[1], #row[1] <= NAME_MAX and #row[1] or 0)
        widths[2] = math.max(widths[2], #row[2] <= KIND_MAX and #row[2] or 0)
    end
    local format = ("  %%-%ds  %%-%ds  "):format(widths[1], widths[2])
        :gsub("%%%-0s  ", "%%s")
    local indent = #format:format("", "")
    for _, row in ipairs(rows) do
        local head = format:format(row[1], row[2])
        if #head > indent and row[3] ~= "" then
            session:print((head:gsub("%s+$", "")))
            head = (" "):rep(indent)
        end
        local text = luacats.wrap(row[3], session.width() - 1, indent, head)
        session:print((text:gsub("%s+$", "")))
    end
end

local function print_found(session, asked, found)
    local described = luacats.describe(found)
    session:print(session.paint("title", title(asked, described)))
    if described.text ~= "" then
        session:print(luacats.wrap(described.text, session.width() - 1))
    end
    if described.is_async then
        session:print "May wait."
    end
    print_rows(session, described.parameters)
    if #described.returns > 0 then
        session:print "Returns:"
        print_rows(session, described.returns)
    end
    if described.text == "" then
        session:print "No comment stands above it."
    end
    if found.where then
        session:print(session.paint("dim", found.where))
    end
end

-- The names in a table, each with the first sentence of what is said about it.
local function print_members(session, container, members, separator)
    local names, rows = {}, {}
    for name in next, members do
        if type(name) == "string" and not name:find "^_" then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    for _, name in ipairs(names) do
        local value = rawget(members, name)
        local found = manual.find(value, container, name)
            or type(value) == "function" and find_in_source(session, value)
        local module = type(value) == "table" and manual.module_of(value)
        local described = luacats.describe(found or { comment = {} })
        local text = module and table.concat(manual.head(module), " ") or described.text
        rows[#rows + 1] = { separator .. name .. described.brief, "",
            luacats.first_sentence(text) }
    end
    print_rows(session, rows)
end

local function print_comment(session, name, comment)
    session:print(session.paint("title", name))
    if #comment > 0 then
        session:print(luacats.wrap(table.concat(comment, "\n"), session.width() - 1))
    end
end

local function print_module(session, asked, module)
    print_comment(session, module, manual.head(module))
    if type(asked.value) == "table" then
        local members = setmetatable({}, { __index = asked.value })
        for name, value in next, asked.value do
            members[name] = value
        end
        for name in pairs(manual.fields(module)) do
            members[name] = asked.value[name]
        end
        print_members(session, asked.value, members, ".")
    end
end

-- An object, or the table of its methods.
local function print_class(session, value)
    local methods = manual.methods_of(value) or type(value) == "table" and value
    local class = methods and manual.class_of(methods)
    if not class then
        return false
    end
    print_comment(session, class.name, class.comment)
    print_members(session, methods, methods, ":")
    return true
end

-- A table that a module of the script's has returned.
local function print_script_module(session, asked)
    for name, value in next, package.loaded do
        local path = rawequal(value, asked.value) and package.searchpath(name, package.path)
        if path then
            local file = assert(io.open(path, "rb"))
            print_comment(session, name, annotation.head(file:read "*a"))
            file:close()
            print_members(session, asked.value, asked.value, ".")
            return true
        end
    end
    return false
end

local function print_doc(session, asked)
    local value = asked.value
    local module = type(value) ~= "function" and manual.module_of(value)
    local found = not module and manual.find(value, asked.container, asked.name)
    found = found or not module and not name_in_lua(value) and find_in_source(session, value)
    if module then
        print_module(session, asked, module)
    elseif found then
        print_found(session, asked, found)
    elseif not (print_of_lua(session, value) or print_class(session, value)
        or type(value) == "table" and print_script_module(session, asked)) then
        session:print_error(value == nil and asked.text .. " is nil"
            or ("nothing is written about %s, a %s"):format(asked.text, type(value)))
    end
end

---Shows what is written about an expression's value.
---@async
---@param session lagoon.repl.Session
---@param text string  an expression; a method also with its colon
function doc.run(session, text)
    if text == "" then
        text = "lagoon"
    end
    local ok, asked = session:evaluate(function()
        return ask(session, text)
    end)
    if ok then
        print_doc(session, asked)
    else
        session:print_error(asked)
    end
end

return doc
