-- SPDX-License-Identifier: MIT
-- Teaches premake4 4.3 the words of premake5 that premake5.lua uses, and mends what its
-- makefiles get wrong:
--   objects are named by bare file name, so two sources of one name would overwrite each other;
--   archives keep members whose source is gone;
--   nothing is rebuilt when the compiler or its flags change;
--   objects may be compiled before their folder is made (make -j).
-- Loaded by premake5.lua when `filter` is missing, that is, never under premake5.

-- == words ==

workspace = solution

-- Terms are "configurations:<name>" only, which is all that premake5.lua needs.
function filter(terms)
    local words = {}
    for _, term in ipairs(type(terms) == "table" and terms or { terms }) do
        local name = term:match("^configurations:(.+)$")
        table.insert(words, name or error("premake4 knows no filter '" .. term .. "'", 2))
    end
    return configuration(words)
end

-- Defines `word`, which takes one of the keys of `meanings` and adds those compiler flags.
local function define_switch(word, meanings)
    _G[word] = function(value)
        buildoptions(meanings[value] or error(word .. " '" .. tostring(value) .. "' is unknown", 2))
    end
end

define_switch("cdialect", { C11 = { "-std=c11" } })
define_switch("pic", { On = { "-fPIC" } })
define_switch("visibility", { Hidden = { "-fvisibility=hidden" } })
define_switch("warnings", { Extra = { "-Wall", "-Wextra" } })
define_switch("optimize", { On = { "-O2" } })

-- A flag of premake4, not an option: without it the linker strips.
function symbols(value)
    assert(value == "On", "symbols: only 'On'")
    flags { "Symbols" }
end

function removefiles(names)
    excludes(names)
end

-- == dependson and kind "Makefile" ==

table.insert(premake.fields.kind.allowed, "Makefile")
table.insert(premake.action.get("gmake").valid_kinds, "Makefile")

premake.fields.buildcommands = { kind = "list", scope = "config" }

function buildcommands(commands)
    return premake.setarray("config", "buildcommands", commands)
end

function dependson(names)
    local this = project()
    this.dependson = this.dependson or {}
    for _, name in ipairs(names) do
        table.insert(this.dependson, name)
    end
end

local linked_dependencies = premake.getdependencies

function premake.getdependencies(prj)
    local found = linked_dependencies(prj)
    for _, name in ipairs((prj.project or prj).dependson or {}) do
        local other = premake.findproject(name)
        table.insert(found, other or error("dependson: no project " .. name, 0))
    end
    return found
end

local function make_commands(prj)
    _p(".PHONY: all clean")
    _p("all:")
    for cfg in premake.eachconfig(prj) do
        _p("ifeq ($(config),%s)", cfg.shortname)
        for _, command in ipairs(cfg.buildcommands) do
            _p("\t%s", command)
        end
        _p("endif")
    end
    _p("\t@:")
    _p("clean:")
end

-- == mending ==

local function refuse_clashes(prj)
    local taken = {}
    for _, file in ipairs(prj.files) do
        if path.iscppfile(file) then
            local name = path.getbasename(file)
            if taken[name] then
                error(("project %s: %s and %s would both become %s.o; rename one"):format(
                    prj.name, taken[name], file, name), 0)
            end
            taken[name] = file
        end
    end
end

-- Rules that go at the end of every project's makefile. A note is a file that is rewritten only
-- when its text changes, so what depends on it is rebuilt only then.
local EXTRA_RULES = [[

define note
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(1))' | cmp -s - $@ || echo '$(subst ','\'',$(1))' > $@
endef

.PHONY: FORCE
$(OBJDIR)/compiler.note: FORCE
	$(call note,$(CC) $(COMPILER_VERSION) $(CFLAGS))
$(OBJDIR)/linker.note: FORCE
	$(call note,$(LINKCMD))

COMPILER_VERSION := $(shell $(CC) --version | head -n 1)
$(OBJECTS): $(OBJDIR)/compiler.note | $(OBJDIR)
$(TARGET): $(OBJDIR)/linker.note | $(TARGETDIR)

# A source that moved is still named in an old .d file: that object is out of date, no more.
../../%.c ../../%.S: ;
# Keeps make from looking for a way to compile the .d files.
.SUFFIXES:
$(OBJECTS:%.o=%.d): ;
]]

local make_sources = premake.make_cpp

function premake.make_cpp(prj)
    if prj.kind == "Makefile" then
        make_commands(prj)
        return
    end
    refuse_clashes(prj)
    make_sources(prj)
    io.write(EXTRA_RULES)
end

-- Corrections of single lines: what premake4 writes, as a pattern, and what is wanted.
local CORRECTIONS = {
    { "%$%(AR%) %-rcs", "rm -f $(TARGET) && $(AR) -rcs" },
    -- A build with nothing to do says nothing.
    { '\t@echo "==== Building [^\n]*\n', "" },
    { "\t@echo Creating [^\n]*\n", "" },
}

-- Writes corrected makefiles, and only those that changed.
function premake.generate(obj, filename, callback)
    filename = premake.project.getfilename(obj, filename)
    local temporary = filename .. ".new"
    local file = assert(io.open(temporary, "w+b"))
    io.output(file)
    callback(obj)
    file:seek("set")
    local text = file:read("*a")
    file:close()
    os.remove(temporary)
    for _, correction in ipairs(CORRECTIONS) do
        text = text:gsub(correction[1], correction[2])
    end
    local old = io.open(filename, "rb")
    local same = old and old:read("*a") == text
    if old then
        old:close()
    end
    if same then
        return
    end
    file = assert(io.open(filename, "wb"))
    file:write(text)
    file:close()
end
