/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest kernel's file; see symbols.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/elf_file.h"
#include "base/symbols.h"
#include "base/text.h"

/*
 * OpenPOWER ELF ABI version 2, "Symbol Values": st_other bits 5:7 give the offset of the local
 * entry.
 */
#define LOCAL_ENTRY(other) (1u << ((other) >> 5 & 7) & ~3u)

/* A kernel with two million symbols needs less. */
#define MAX_TABLE (64ull << 20)

/* What is farther behind a symbol without a size does not belong to it. */
#define LONGEST_FUNCTION (64ull << 10)

/* Read when it is first needed: most guests run without. */
struct symbol_table {
	Elf64_Sym *symbols; /* as in the file */
	char *names;
	const char *problem; /* with reading it; NULL: none */
};

struct symbols {
	struct elf_file elf;
	Elf64_Shdr table_section, names_section;
	struct symbol_table *table;
	size_t count;
	size_t names_size;
	uint64_t opd_start, opd_end; /* function descriptors of ABI version 1 */
	struct function *functions; /* by address; NULL: not sorted yet */
	size_t nr_functions;
};

struct function {
	uint64_t address, end;
	uint32_t name;
	bool local;
};

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

/* A section's contents and a byte more, malloc()ed. */
static void *read_section(const struct symbols *s, const Elf64_Shdr *section, const char **problem)
{
	void *contents = malloc(section->sh_size + 1);

	*problem = contents ? NULL : "out of memory";
	if (!contents || elf_file_read(&s->elf, section->sh_offset, contents, section->sh_size))
		return contents;
	*problem = "its symbol table cannot be read";
	free(contents);
	return NULL;
}

/* The table, or NULL. */
static const struct symbol_table *table_of(const struct symbols *s)
{
	struct symbol_table *table = s->table;

	if (!table->symbols && !table->problem)
		table->symbols = read_section(s, &s->table_section, &table->problem);
	if (!table->names && !table->problem) {
		table->names = read_section(s, &s->names_section, &table->problem);
		if (table->names)
			table->names[s->names_size] = '\0';
	}
	return table->problem ? NULL : table;
}

/* Returns NULL, or what is wrong. */
static const char *use_table(struct symbols *s, const Elf64_Shdr *section)
{
	Elf64_Shdr strings;

	if (section->sh_entsize != sizeof(Elf64_Sym) ||
	    !elf_file_section(&s->elf, section->sh_link, &strings) ||
	    strings.sh_type != SHT_STRTAB || !strings.sh_size)
		return "its symbol table is malformed";
	if (section->sh_size > MAX_TABLE || strings.sh_size > MAX_TABLE)
		return "its symbol table is larger than 64 MiB";
	s->table_section = *section;
	s->names_section = strings;
	s->count = section->sh_size / sizeof(Elf64_Sym);
	s->names_size = strings.sh_size;
	return NULL;
}

static const char *find_table(struct symbols *s)
{
	const struct elf_file *elf = &s->elf;
	const char *problem = NULL;

	for (unsigned i = 0; !problem && i < elf->header.e_shnum; i++) {
		Elf64_Shdr shdr;

		if (!elf_file_section(elf, i, &shdr))
			continue;
		if (shdr.sh_type == SHT_PROGBITS &&
		    elf_file_is_named(elf, elf->header.e_shstrndx, shdr.sh_name, ".opd")) {
			s->opd_start = shdr.sh_addr;
			s->opd_end = shdr.sh_addr + shdr.sh_size;
		}
		if (shdr.sh_type == SHT_SYMTAB && !s->table_section.sh_type)
			problem = use_table(s, &shdr);
	}
	return problem || s->count ? problem : "it has no symbol table";
}

static bool open_file(struct symbols *s, const char *path, char *err, size_t err_size)
{
	const char *problem;
	enum elf_opened opened;
	struct stat st;
	int fd;

	fd = s->elf.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return FAIL("cannot open kernel %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return FAIL("cannot read kernel %s: not a regular file", path);
	opened = elf_file_open(&s->elf, fd, NULL, (uint64_t)st.st_size);
	if (opened == ELF_FILE_NONE || opened == ELF_FILE_CUT)
		return FAIL("bad kernel %s: not an ELF file", path);
	if (opened == ELF_FILE_32_BIT || s->elf.header.e_machine != EM_PPC64)
		return FAIL("bad kernel %s: not for 64-bit POWER", path);
	if (opened == ELF_FILE_CUT_HEADERS)
		return FAIL("bad kernel %s: truncated file", path);
	problem = find_table(s);
	return !problem || FAIL("bad kernel %s: %s", path, problem);
}

struct symbols *symbols_open(const char *path, char *err, size_t err_size)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (s) {
		s->elf.fd = -1;
		s->table = calloc(1, sizeof(*s->table));
	}
	if (!s || !s->table)
		snprintf(err, err_size, "out of memory");
	else if (open_file(s, path, err, err_size))
		return s;
	symbols_close(s);
	return NULL;
}

void symbols_close(struct symbols *s)
{
	if (!s)
		return;
	if (s->elf.fd >= 0)
		close(s->elf.fd);
	if (s->table) {
		free(s->table->symbols);
		free(s->table->names);
	}
	free(s->table);
	free(s->functions);
	free(s);
}

bool symbols_little_endian(const struct symbols *s)
{
	return s->elf.little_endian;
}

const char *symbols_problem(const struct symbols *s)
{
	return table_of(s) ? NULL : s->table->problem;
}

static bool lookup(const struct symbols *s, const char *name, Elf64_Sym *symbol)
{
	const struct symbol_table *table = table_of(s);
	bool found = false;

	for (size_t i = 0; table && i < s->count; i++) {
		Elf64_Sym candidate;

		elf_file_symbol(&s->elf, &table->symbols[i], &candidate);
		if (candidate.st_shndx == SHN_UNDEF || candidate.st_name >= s->names_size ||
		    strcmp(table->names + candidate.st_name, name) != 0)
			continue;
		*symbol = candidate;
		found = true;
		/* A global symbol wins over a static one of the same name. */
		if (ELF64_ST_BIND(candidate.st_info) != STB_LOCAL)
			break;
	}
	return found;
}

bool symbols_read(const struct symbols *s, uint64_t address, void *buf, size_t len)
{
	for (unsigned i = 0; i < s->elf.header.e_phnum; i++) {
		Elf64_Phdr segment;
		uint64_t offset;

		if (!elf_file_segment(&s->elf, i, &segment) || segment.p_type != PT_LOAD)
			continue;
		offset = address - segment.p_vaddr;
		if (address < segment.p_vaddr || offset >= segment.p_filesz ||
		    len > segment.p_filesz - offset || segment.p_offset > s->elf.size)
			continue;
		return elf_file_read(&s->elf, segment.p_offset + offset, buf, len);
	}
	return false;
}

static bool through_descriptor(const struct symbols *s, uint64_t *address)
{
	uint8_t raw[8];

	if (*address < s->opd_start || *address >= s->opd_end)
		return true;
	if (!symbols_read(s, *address, raw, sizeof(raw)))
		return false;
	*address = 0;
	for (unsigned i = 0; i < 8; i++)
		*address = *address << 8 | raw[s->elf.little_endian ? 7 - i : i];
	return true;
}

bool symbols_find(const struct symbols *s, const char *name, uint64_t *address)
{
	Elf64_Sym symbol;

	if (!lookup(s, name, &symbol))
		return false;
	*address = symbol.st_value;
	return through_descriptor(s, address);
}

bool symbols_local_entry(const struct symbols *s, const char *name, uint64_t *address)
{
	Elf64_Sym symbol;

	if (!lookup(s, name, &symbol))
		return false;
	*address = symbol.st_value;
	if (*address >= s->opd_start && *address < s->opd_end)
		return through_descriptor(s, address);
	*address += LOCAL_ENTRY(symbol.st_other);
	return true;
}

bool symbols_nearest(const struct symbols *s, const char *name, char *out, size_t size)
{
	const struct symbol_table *table = table_of(s);
	const size_t length = strlen(name);
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (size_t i = 0; table && i < s->count; i++) {
		Elf64_Sym symbol;
		size_t distance;

		elf_file_symbol(&s->elf, &table->symbols[i], &symbol);
		if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= s->names_size)
			continue;
		distance = text_distance(name, length, table->names + symbol.st_name);
		if (distance < best && text_is_near(distance, length)) {
			best = distance;
			nearest = table->names + symbol.st_name;
		}
	}
	if (nearest)
		snprintf(out, size, "%s", nearest);
	return nearest;
}

/* ---- from addresses to symbols ---- */

/* By address; of those at one address a global one comes last. */
static int compare_functions(const void *a, const void *b)
{
	const struct function *f = a, *g = b;

	if (f->address != g->address)
		return f->address < g->address ? -1 : 1;
	return f->local == g->local ? 0 : f->local ? -1 : 1;
}

/* Code of assembly has no type and no size: it reaches to the next symbol. */
static bool take_function(const struct symbols *s, const Elf64_Sym *symbol, struct function *f)
{
	const unsigned type = ELF64_ST_TYPE(symbol->st_info);

	if ((type != STT_FUNC && type != STT_NOTYPE) || symbol->st_shndx == SHN_UNDEF ||
	    symbol->st_shndx >= SHN_LORESERVE || !symbol->st_name ||
	    symbol->st_name >= s->names_size)
		return false;
	*f = (struct function){ .address = symbol->st_value,
				.end = symbol->st_size ? symbol->st_value + symbol->st_size :
							 UINT64_MAX,
				.name = symbol->st_name,
				.local = ELF64_ST_BIND(symbol->st_info) == STB_LOCAL };
	if (f->address < s->opd_start || f->address >= s->opd_end)
		return true;
	/* The symbol's size is that of the descriptor. */
	f->end = UINT64_MAX;
	return through_descriptor(s, &f->address);
}

static bool sort_functions(struct symbols *s)
{
	const struct symbol_table *table = table_of(s);

	if (s->functions || !table)
		return s->functions;
	s->functions = malloc((s->count + 1) * sizeof(s->functions[0]));
	for (size_t i = 0; s->functions && i < s->count; i++) {
		Elf64_Sym symbol;

		elf_file_symbol(&s->elf, &table->symbols[i], &symbol);
		s->nr_functions += take_function(s, &symbol, &s->functions[s->nr_functions]);
	}
	if (s->functions)
		qsort(s->functions, s->nr_functions, sizeof(s->functions[0]), compare_functions);
	return s->functions;
}

/* The last function at or below the address, or NULL. */
static const struct function *function_below(const struct symbols *s, uint64_t address)
{
	size_t low = 0, high = s->nr_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->functions[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &s->functions[low - 1] : NULL;
}

char *symbols_place(struct symbols *s, uint64_t address, char *out, size_t size)
{
	const struct function *f = sort_functions(s) ? function_below(s, address) : NULL;

	out[0] = '\0';
	if (!f || address >= f->end || address - f->address > LONGEST_FUNCTION)
		return out;
	if (address == f->address)
		snprintf(out, size, "%s", s->table->names + f->name);
	else
		snprintf(out, size, "%s+0x%" PRIx64, s->table->names + f->name,
			 address - f->address);
	return out;
}

/* Where the first function behind this one begins. */
static uint64_t next_address(const struct symbols *s, const struct function *f)
{
	const struct function *next = f;

	while (next < s->functions + s->nr_functions && next->address == f->address)
		next++;
	return next < s->functions + s->nr_functions ? next->address : f->address;
}

bool symbols_each(struct symbols *s,
		  void (*each)(void *opaque, const char *name, uint64_t address, uint64_t end),
		  void *opaque)
{
	if (!sort_functions(s))
		return false;
	for (size_t i = 0; i < s->nr_functions; i++) {
		const struct function *f = &s->functions[i];

		each(opaque, s->table->names + f->name, f->address,
		     f->end == UINT64_MAX ? next_address(s, f) : f->end);
	}
	return true;
}
