-- SPDX-License-Identifier: MIT
--
-- Which old function and table of a module corresponds to which new one, and what becomes of the
-- variables that functions share. Nothing is changed before apply().
--
-- A captured variable that no code assigns after its declaration is a constant: it gets the new
-- value. One that is assigned is state: new functions share the old one. Tables stay, whatever they
-- are in, and so does what cannot be compared: channels, coroutines, userdata.
local getinfo, getupvalue, setupvalue = debug.getinfo, debug.getupvalue, debug.setupvalue
local upvalueid, upvaluejoin = debug.upvalueid, debug.upvaluejoin
local getmetatable, setmetatable = debug.getmetatable, debug.setmetatable

local LOCAL, FIXED = 0x80, 0x40 -- in the high byte of an upvalue's description

local pairing = {}

---@return boolean
local function is_of(value, source)
    if type(value) ~= "function" then
        return false
    end
    local info = getinfo(value, "S")
    return info.what ~= "C" and info.source == source
end
pairing.is_of = is_of

-- ---------------------------------------------------------------------------------------------
-- Which variables are assigned, by bytecode
-- ---------------------------------------------------------------------------------------------

-- A number of 7 bits per byte, and where it ends.
local function read_number(dump, at)
    local number, scale = 0, 1
    while true do
        local byte = dump:byte(at)
        at = at + 1
        number = number + byte % 128 * scale
        if byte < 128 then
            return number, at
        end
        scale = scale * 128
    end
end

-- Where the function's own prototype begins in a dump: the last one, behind those inside it.
local function find_last(dump)
    local _, at = read_number(dump, 5)
    local last
    while true do
        local size
        size, at = read_number(dump, at)
        if size == 0 then
            return last
        end
        last = at
        at = at + size
    end
end

-- For each upvalue true if nothing assigns it, false if something does, nil if that is not known:
-- it belongs to a function further out.
local function fixed_upvalues(f)
    local ok, dump = pcall(string.dump, f, true)
    if not ok or dump:sub(1, 4) ~= "\27LJ\2" then
        return {}
    end
    local at = find_last(dump)
    local nups = dump:byte(at + 3)
    local _, ncode
    at = at + 4
    _, at = read_number(dump, at)
    _, at = read_number(dump, at)
    ncode, at = read_number(dump, at)
    local first = at + ncode * 4
    local fixed = {}
    for i = 1, nups do
        local high = dump:byte(first + i * 2 - 1)
        if high >= LOCAL then
            fixed[i] = high % LOCAL >= FIXED
        end
    end
    return fixed
end

-- ---------------------------------------------------------------------------------------------
-- Pairs
-- ---------------------------------------------------------------------------------------------

local pair_tables, pair_functions

local function path_of(path, key)
    if type(key) ~= "string" then
        return ("%s[%s]"):format(path, tostring(key))
    end
    return path == "" and key or path .. "." .. key
end

-- Two values in the same place; true if that is settled, since both are tables or functions. What
-- was there before the new code ran is none of it.
local function pair_values(plan, old, fresh, path)
    if plan.known[fresh] then
        return false
    elseif type(old) == "table" and type(fresh) == "table" then
        pair_tables(plan, old, fresh, path)
        return true
    elseif is_of(old, plan.source) and is_of(fresh, plan.source) then
        pair_functions(plan, old, fresh)
        return true
    end
    return false
end

local function pair_field(plan, old, key, before, value, path)
    if before == nil then
        plan.sets[#plan.sets + 1] = { old, key, value }
        plan.added[#plan.added + 1] = path
    elseif rawequal(before, value) or pair_values(plan, before, value, path) then
        return
    elseif is_of(before, plan.source) then
        plan.sets[#plan.sets + 1] = { old, key, value }
    elseif is_of(value, plan.source) then
        plan.kept[#plan.kept + 1] = path
    end
end

function pair_tables(plan, old, fresh, path)
    if rawequal(old, fresh) or plan.map[fresh] ~= nil or plan.is_old[old] then
        return
    end
    plan.map[fresh] = old
    plan.is_old[old] = true
    for key, value in next, fresh do
        pair_field(plan, old, key, rawget(old, key), value, path_of(path, key))
    end
    for key, value in next, old do
        if rawget(fresh, key) == nil and is_of(value, plan.source) then
            plan.removed[#plan.removed + 1] = path_of(path, key)
        end
    end
    local old_meta, fresh_meta = getmetatable(old), getmetatable(fresh)
    if old_meta and fresh_meta then
        pair_tables(plan, old_meta, fresh_meta, path_of(path, "(metatable)"))
    elseif fresh_meta then
        plan.metas[#plan.metas + 1] = { old, fresh_meta }
    end
end

function pair_functions(plan, old, fresh)
    if old == fresh or plan.map[old] ~= nil or plan.is_fresh[fresh] then
        return
    end
    plan.map[old] = fresh
    plan.is_fresh[fresh] = true
    plan.nreplaced = plan.nreplaced + 1
    plan.queue[#plan.queue + 1] = old
end

-- ---------------------------------------------------------------------------------------------
-- Captured variables
-- ---------------------------------------------------------------------------------------------

local RESOURCE = { userdata = true, thread = true, cdata = true }

-- What becomes of a new variable. By its identity: several functions share one.
local function decide(plan, cell, what, is_sure)
    if plan.cells[cell] == nil or is_sure then
        plan.cells[cell] = what
    end
end

local function pair_variable(plan, old, i, old_fixed, fresh, j, fresh_fixed, name)
    local cell = upvalueid(fresh, j)
    local _, before = getupvalue(old, i)
    local _, value = getupvalue(fresh, j)
    local is_state = old_fixed == false and fresh_fixed ~= true or old_fixed == nil
    if plan.cells[cell] ~= nil and old_fixed == nil then
        return
    end
    local is_new = value ~= nil and not plan.known[value]
    if is_new and is_of(value, plan.source) and is_of(before, plan.source) then
        if old_fixed ~= false then
            pair_functions(plan, before, value)
        else
            -- Declared first, or assigned by the program: decided when all others are.
            plan.late[#plan.late + 1] = { before, value, cell, old, i }
        end
    elseif is_new and type(before) == "table" and type(value) == "table" then
        pair_tables(plan, before, value, "(" .. name .. ")")
        decide(plan, cell, { old, i, is_joined = is_state }, true)
    elseif is_state or RESOURCE[type(value)] and type(value) == type(before) then
        decide(plan, cell, { old, i, is_joined = is_state }, old_fixed ~= nil)
    else
        decide(plan, cell, false, true)
    end
end

local function pair_upvalues(plan, old, fresh)
    local places = {}
    local old_fixed, fresh_fixed = fixed_upvalues(old), fixed_upvalues(fresh)
    for i = 1, math.huge do
        local name = getupvalue(old, i)
        if not name then
            break
        end
        places[name] = places[name] or i
    end
    for j = 1, math.huge do
        local name = getupvalue(fresh, j)
        if not name then
            break
        end
        local i = places[name]
        if i and name ~= "" then
            pair_variable(plan, old, i, old_fixed[i], fresh, j, fresh_fixed[j], name)
        end
    end
end

local function run_queue(plan)
    local i = 1
    while plan.queue[i] do
        local old = plan.queue[i]
        pair_upvalues(plan, old, plan.map[old])
        i = i + 1
    end
    plan.queue = {}
end

-- A variable with a function that is known by another name is state: somebody has put it there.
local function pair_late(plan)
    local late = plan.late
    plan.late = {}
    for _, it in ipairs(late) do
        local before, value, cell, old, i = unpack(it)
        if plan.map[before] == nil and not plan.is_fresh[value] then
            pair_functions(plan, before, value)
        elseif plan.map[before] ~= value then
            decide(plan, cell, { old, i, is_joined = true }, true)
        end
    end
end

-- ---------------------------------------------------------------------------------------------
-- The plan, and what it does
-- ---------------------------------------------------------------------------------------------

local function pair_globals(plan, load)
    for name, value in next, load.written do
        local before = load.globals[name]
        if before == nil then
            plan.sets[#plan.sets + 1] = { load.globals, name, value }
            plan.added[#plan.added + 1] = "_G." .. name
        elseif not pair_values(plan, before, value, "_G." .. name) then
            plan.sets[#plan.sets + 1] = { load.globals, name, value }
        end
    end
end

---What lagoon.reload is about to do.
---@param load table  what the module was and would be, see reload.lua: run()
---@return table plan
function pairing.plan(load)
    local plan = {
        source = load.source, known = load.known, nreplaced = 0,
        map = {}, -- old function -> new one, new table -> old one: what goes -> what comes
        is_old = {}, is_fresh = {}, -- of these
        queue = {}, late = {}, -- functions and variables that are still to be looked at
        cells = {}, -- a new variable -> the old one, as { function, index }; false: stays
        sets = {}, metas = {}, -- of fields, of metatables
        added = {}, removed = {}, kept = {}, -- paths
    }
    for old, fresh in next, load.classes do
        pair_values(plan, old, fresh, "(class)")
    end
    pair_values(plan, load.old, load.fresh, "")
    pair_globals(plan, load)
    repeat
        run_queue(plan)
        pair_late(plan)
    until #plan.queue == 0 and #plan.late == 0
    return plan
end

-- Adds what the new code has made and what is not in the list yet.
local function reach(plan, list, seen, value)
    local is_made = type(value) == "table" and not plan.known[value] or is_of(value, plan.source)
    if is_made and not seen[value] then
        seen[value] = true
        list[#list + 1] = value
    end
end

-- Gives a new function the old variables.
local function settle(plan, list, seen, fresh)
    for j = 1, math.huge do
        local name, value = getupvalue(fresh, j)
        if not name then
            return
        end
        reach(plan, list, seen, value)
        local place = plan.cells[upvalueid(fresh, j)]
        if place and place.is_joined then
            upvaluejoin(fresh, j, place[1], place[2])
        elseif place then
            setupvalue(fresh, j, select(2, getupvalue(place[1], place[2])))
        end
    end
end

local function settle_all(plan, list, seen)
    local i = 1
    while list[i] do
        local made = list[i]
        if type(made) == "function" then
            settle(plan, list, seen, made)
        else
            for _, value in next, made do
                reach(plan, list, seen, value)
            end
            reach(plan, list, seen, getmetatable(made))
        end
        i = i + 1
    end
end

---Does that, but for references that others have.
---@param plan table
function pairing.apply(plan)
    local list, seen = {}, {}
    for goes, comes in next, plan.map do
        reach(plan, list, seen, type(goes) == "function" and comes or goes)
    end
    for _, set in ipairs(plan.sets) do
        reach(plan, list, seen, set[3])
    end
    settle_all(plan, list, seen)
    for _, set in ipairs(plan.sets) do
        rawset(set[1], set[2], set[3])
    end
    for _, meta in ipairs(plan.metas) do
        setmetatable(meta[1], meta[2])
    end
end

return pairing
