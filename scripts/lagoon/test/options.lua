-- SPDX-License-Identifier: MIT
--
-- The arguments of `lagoon test`: our own, and all of busted's, which busted reads itself, with its
-- file .busted. In that file ours may stand, too.
local options = {}

options.USAGE = [[
usage: lagoon test [options] [path]...
Runs specs with busted, each test in goroutines. Paths are specs, or folders of *_spec.lua; without
any, the folder spec. All options of busted are taken, among them:
  --filter=PATTERN  Only tests whose names match the Lua pattern.
  --list            Names of tests, without running them.
  --shuffle         Files and tests in random order.
  --seed=N          For that order, math.random, and --race-order. Printed always.
  --repeat=N        Run all N times; with seeds N, N + 1, ...
  --output=NAME     lagoon (default), tap, junit, or an output handler of busted's.
Beside them:
  --timeout=SECONDS   How long a test may take, and each before_each and the like (30).
  --leaks=SECONDS     How long goroutines may outlive their test (1); or --leaks=off.
  --ignore-leak=PATTERN  Not those whose name or birthplace matches.
  --race-order        Preempt goroutines at random instructions, as the seed says.
  --junit=FILE        JUnit's XML into a file, beside the output.
  --coverage[=FILE]   Which lines have run, as lcov's tracefile (lcov.info).
  --color=WHEN        always, never, or auto (on a terminal, unless NO_COLOR is set).
Exit status: 0; 1 if a test failed, there is none, or a file of results could not be written; 2 if
the tests could not be run.
]]

local function seconds(name, value)
    local number = tonumber(value)
    if not number or number <= 0 or number ~= number or number == math.huge then
        return nil, ("%s must be a positive number of seconds, not '%s'"):format(name, value)
    end
    return number
end

-- Each takes a value, of the command line or of .busted, and returns what it means; or nil and what
-- is wrong.
local OURS = {}

function OURS.timeout(value)
    return seconds("--timeout", value)
end

function OURS.leaks(value)
    if value == "off" or value == false then
        return false
    end
    return seconds("--leaks", value)
end

function OURS.ignore_leak(value)
    local patterns = type(value) == "table" and value or { value }
    for _, pattern in ipairs(patterns) do
        local ok, message = pcall(string.find, "", pattern)
        if not ok then
            return nil, ("--ignore-leak=%s: %s"):format(tostring(pattern), message)
        end
    end
    return patterns
end

function OURS.race_order(value)
    if type(value) ~= "boolean" then
        return nil, "--race-order takes no value"
    end
    return value
end

local function file_name(name)
    return function(value)
        if type(value) ~= "string" or value == "" then
            return nil, ("--%s needs a file: --%s=FILE"):format(name, name)
        end
        return value
    end
end

OURS.junit = file_name "junit"

function OURS.coverage(value)
    if value == true then
        return "lcov.info"
    end
    return value ~= false and file_name "coverage" (value) or false
end

function OURS.color(value)
    if value ~= "auto" and value ~= "always" and value ~= "never" then
        return nil, ("--color must be auto, always or never, not '%s'"):format(tostring(value))
    end
    return value
end

local DEFAULTS = {
    timeout = 30, leaks = 1, ignore_leak = {}, race_order = false, color = "auto",
    junit = false, coverage = false,
}

-- Takes our options out of the words. Returns the others, and ours.
local function split(words)
    local rest, ours, patterns = {}, {}, {}
    for i, word in ipairs(words) do
        local name, value = word:match "^%-%-([%w-]+)(.*)$"
        local key = name and name:gsub("%-", "_")
        if word == "-c" then
            ours.coverage = true
        elseif word == "--" then
            for j = i + 1, #words do
                rest[#rest + 1] = words[j]
            end
            break
        elseif not (key and OURS[key]) then
            rest[#rest + 1] = word
        else
            value = value:match "^=(.*)$"
            if value == nil then
                value = true
            end
            if key == "ignore_leak" then
                patterns[#patterns + 1] = value
                value = patterns
            end
            ours[key] = value
        end
    end
    return rest, ours
end

-- What the command line says comes first, then .busted.
local function settle(ours, args)
    local settings = {}
    for key, read in pairs(OURS) do
        local value = ours[key]
        if value == nil then
            local of_busted = key:gsub("_", "-")
            value = args[key]
            if value == nil then
                value = args[of_busted]
            end
        end
        if value == nil then
            settings[key] = DEFAULTS[key]
        else
            local meaning, message = read(value)
            if meaning == nil then
                return nil, message
            end
            settings[key] = meaning
        end
    end
    return settings
end

local SEED_MAX = 2 ^ 32

local function read_seed(args)
    local seed = tonumber(args.seed)
    if not seed then
        return math.floor(require "busted.utils".urandom() or os.time())
    elseif seed ~= math.floor(seed) or seed < 0 or seed >= SEED_MAX then
        return nil, ("--seed must be a whole number from 0 to %d"):format(SEED_MAX - 1)
    end
    return seed
end

---Reads the arguments. busted must be there.
---@param words string[]
---@return table? settings  ours
---@return table|string args  busted's; or what is wrong
function options.read(words)
    local rest, ours = split(words)
    -- busted would start another interpreter where its file names one.
    table.insert(rest, 1, "--ignore-lua")
    local cli = require "busted.modules.cli" { output = "lagoon" }
    cli:set_name "lagoon test"
    local args, message = cli:parse(rest)
    if not args then
        return nil, (message:gsub("^lagoon test: error: ", ""))
    end
    local settings
    settings, message = settle(ours, args)
    if not settings then
        return nil, message
    end
    settings.seed, message = read_seed(args)
    if not settings.seed then
        return nil, message
    end
    settings.runs = args["repeat"]
    if not settings.runs or settings.runs < 1 or settings.runs ~= math.floor(settings.runs) then
        return nil, "--repeat must be a whole number from 1 on"
    end
    settings.keep_going = args["keep-going"]
    settings.shuffle = args["shuffle-files"] or args["shuffle-tests"]
    return settings, args
end

return options
