-- SPDX-License-Identifier: MIT
--
-- An input as a function. Locals of one input are there for the next: a `local` that stands in no
-- block is taken out of the text, so that its names are looked up in the session's table of locals,
-- which is the environment of every input; where it stood they become names of the session's.
-- Globals are seen through it, unless a local of that name is there, be it nil, and set behind it;
-- but a name of Lua's own that an input sets, as in `table = {}`, is so for inputs only.
local lexer = require "lagoon.repl.lexer"

local chunk = {}

-- A name that is a letter for LuaJIT, and on no keyboard: in inputs, what makes its fields locals.
local DECLARE = "\194\128"

local OPENS = { ["do"] = true, ["then"] = true, ["repeat"] = true, ["function"] = true }
-- What Lua brings, but for print. The program's modules call these, and the REPL is one of them.
local LUAS_OWN = {}
for name in ([[_G assert bit collectgarbage coroutine debug dofile error getfenv getmetatable io
    ipairs jit load loadfile loadstring math module newproxy next os package pairs pcall rawequal
    rawget rawset require select setfenv setmetatable string table tonumber tostring type unpack
    xpcall]])
    :gmatch "%S+" do
    LUAS_OWN[name] = true
end
local CLOSES = { ["end"] = true, ["until"] = true }

-- The `then` of an elseif opens none: its if has.
local function depth_after(depth, tokens, i)
    local token = tokens[i]
    if token.kind == "symbol" then
        if token.text == "(" or token.text == "{" or token.text == "[" then
            return depth + 1
        elseif token.text == ")" or token.text == "}" or token.text == "]" then
            return depth - 1
        end
    elseif token.kind == "keyword" then
        if token.text == "elseif" then
            return depth - 1
        elseif OPENS[token.text] then
            return depth + 1
        elseif CLOSES[token.text] then
            return depth - 1
        end
    end
    return depth
end

-- Has the names of `local a, b`, from token i on, become locals, and nothing else. The index of the
-- token behind them; nil: there are none.
local function edit_names(tokens, i, edits)
    local behind
    while tokens[i] and tokens[i].kind == "name" do
        local first = tokens[i].first
        edits[#edits + 1] = { first, first - 1, DECLARE .. "." }
        behind = i + 1
        if not (tokens[behind] and tokens[behind].text == ",") then
            break
        end
        behind, i = behind + 1, behind + 1
    end
    return behind
end

local function without_comments(tokens)
    local code = {}
    for _, token in ipairs(tokens) do
        if token.kind ~= "comment" then
            code[#code + 1] = token
        end
    end
    return code
end

-- What stands for the `local` at tokens[i], as {first, last, text} edits.
local function edit_local(tokens, i, edits)
    local following = tokens[i + 1]
    edits[#edits + 1] = { tokens[i].first, tokens[i].last, "     " }
    if following and following.text == "function" then
        edit_names(tokens, i + 2, edits)
        return
    end
    local behind = edit_names(tokens, i + 1, edits)
    if not behind then
        edits[#edits] = nil -- it is no Lua: the compiler says so
        return
    end
    local last = tokens[behind - 1]
    if last.text ~= "," and not (tokens[behind] and tokens[behind].text == "=") then
        edits[#edits + 1] = { last.last + 1, last.last, "=nil" }
    end
end

-- The text with its outermost locals as names of the environment.
local function rewrite(text)
    local tokens = without_comments(lexer.tokens(text))
    local edits, depth = {}, 0
    for i, token in ipairs(tokens) do
        if depth == 0 and token.text == "local" and token.kind == "keyword" then
            edit_local(tokens, i, edits)
        end
        depth = depth_after(depth, tokens, i)
    end
    local pieces, at = {}, 1
    for _, edit in ipairs(edits) do
        pieces[#pieces + 1] = text:sub(at, edit[1] - 1)
        pieces[#pieces + 1] = edit[3]
        at = edit[2] + 1
    end
    pieces[#pieces + 1] = text:sub(at)
    return table.concat(pieces)
end

-- Whether more lines may make it a chunk: the compiler stumbles over its end, and not over a short
-- string, which no further line can close unless its last one ends with a backslash.
local function is_unfinished(text, message)
    if not message:find("near '<eof>'", 1, true) then
        return false
    end
    local tokens = lexer.tokens(text)
    local last = tokens[#tokens]
    local is_open_string = last and last.kind == "string" and last.is_open
    return not is_open_string or #last.text:match "\\*$" % 2 == 1
end

---The environment of a session's inputs.
---@param globals table
---@return table locals
function chunk.environment(globals)
    local declared = {} -- names that an input has made its own
    local locals
    local declare = setmetatable({}, {
        __newindex = function(_, name, value)
            declared[name] = true
            rawset(locals, name, value)
        end,
    })
    locals = setmetatable({}, {
        __index = function(_, name)
            if declared[name] then
                return nil
            elseif name == DECLARE then
                return declare
            end
            return globals[name]
        end,
        __newindex = function(self, name, value)
            if declared[name] or LUAS_OWN[name] then
                rawset(self, name, value)
            else
                globals[name] = value
            end
        end,
        globals = globals,
    })
    return locals
end

---What inputs see behind their locals.
---@param locals table  from chunk.environment(), or a table without globals
---@return table? globals
function chunk.globals(locals)
    local mt = getmetatable(locals)
    return mt and mt.globals
end

-- What an expression's values go through, so that calling it is no tail call, which tracebacks
-- forget.
local function values(...)
    return ...
end

local function call_with_values(f, locals)
    setfenv(f, locals)
    return function()
        return values(f(values))
    end
end

-- The closing bracket stands on a line of its own only behind a comment: what is called last has
-- the line of what follows it.
local function wrap(code, name)
    local opened = "return (...)(" .. code
    return loadstring(opened .. ")", name) or loadstring(opened .. "\n)", name)
end

---Compiles an input. Of an expression the function returns its values.
---@param text string
---@param name string  as in tracebacks: "=repl[3]"
---@param locals table  from chunk.environment()
---@return function? f  nil: it is no Lua
---@return string? message
---@return boolean? is_unfinished  more lines may complete it
function chunk.compile(text, name, locals)
    local code = text:gsub("^%s*=", "return ", 1)
    local f, as_expression = loadstring("return " .. code, name)
    if f then
        local wrapped = not code:find("...", 1, true) and wrap(code, name)
        return wrapped and call_with_values(wrapped, locals) or setfenv(f, locals)
    end
    local message
    f, message = loadstring(rewrite(code), name)
    if not f then
        local is_open = is_unfinished(code, message) or is_unfinished(code, as_expression)
        return nil, message, is_open
    end
    return setfenv(f, locals)
end

return chunk
