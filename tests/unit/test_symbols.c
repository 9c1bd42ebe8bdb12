/* SPDX-License-Identifier: BSD-2-Clause */
/* src/base/symbols.c with small generated kernels, in both byte orders and ABI versions. */
#include <elf.h>
#include <endian.h>
#include <unistd.h>

#include "base/symbols.h"
#include "unit.h"

#define BASE 0xc000000000000000ull
#define TEXT 0x1000 /* file offset of what is linked at BASE */
#define SIZE 0x3000

enum {
	OPD = 0x800, /* offset in the image of a function descriptor */
	CODE = 0x400,
};

struct kernel {
	uint8_t file[SIZE];
	char path[64];
	bool big_endian;
};

static uint64_t order(const struct kernel *k, uint64_t value, unsigned bits)
{
	return bits == 64 ? (k->big_endian ? htobe64(value) : htole64(value)) :
	       bits == 32 ? (k->big_endian ? htobe32((uint32_t)value) : htole32((uint32_t)value)) :
			    (k->big_endian ? htobe16((uint16_t)value) : htole16((uint16_t)value));
}

#define PUT(k, field, value) ((field) = (__typeof__(field))order(k, value, 8 * sizeof(field)))

static void put_section(struct kernel *k, Elf64_Shdr *section, unsigned name, unsigned type,
			uint64_t address, uint64_t offset, uint64_t size, unsigned link,
			unsigned entry)
{
	PUT(k, section->sh_name, name);
	PUT(k, section->sh_type, type);
	PUT(k, section->sh_addr, address);
	PUT(k, section->sh_offset, offset);
	PUT(k, section->sh_size, size);
	PUT(k, section->sh_link, link);
	PUT(k, section->sh_entsize, entry);
}

static void put_symbol(struct kernel *k, Elf64_Sym *symbol, unsigned name, uint64_t value,
		       unsigned bind, unsigned other, unsigned section)
{
	PUT(k, symbol->st_name, name);
	PUT(k, symbol->st_value, value);
	symbol->st_info = ELF64_ST_INFO(bind, STT_FUNC);
	symbol->st_other = (unsigned char)other;
	PUT(k, symbol->st_shndx, section);
}

static void make(struct kernel *k, bool big_endian)
{
	static const char names[] = "\0.opd\0.symtab\0.strtab";
	static const char strings[] = "\0plain\0local8\0described\0twice\0undefined";
	Elf64_Ehdr *header = (void *)k->file;
	Elf64_Phdr *segment = (void *)(k->file + 64);
	Elf64_Shdr *sections = (void *)(k->file + 0x2800);
	Elf64_Sym *symbols = (void *)(k->file + 0x2000);
	uint64_t descriptor;

	memset(k, 0, sizeof(*k));
	k->big_endian = big_endian;
	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	header->e_ident[EI_VERSION] = EV_CURRENT;
	PUT(k, header->e_type, ET_EXEC);
	PUT(k, header->e_machine, EM_PPC64);
	PUT(k, header->e_version, EV_CURRENT);
	PUT(k, header->e_phoff, 64);
	PUT(k, header->e_shoff, 0x2800);
	PUT(k, header->e_ehsize, 64);
	PUT(k, header->e_phentsize, 56);
	PUT(k, header->e_phnum, 1);
	PUT(k, header->e_shentsize, 64);
	PUT(k, header->e_shnum, 5);
	PUT(k, header->e_shstrndx, 4);
	PUT(k, segment->p_type, PT_LOAD);
	PUT(k, segment->p_offset, TEXT);
	PUT(k, segment->p_vaddr, BASE);
	PUT(k, segment->p_filesz, 0x1000);
	PUT(k, segment->p_memsz, 0x1800);
	put_section(k, &sections[1], 1, SHT_PROGBITS, BASE + OPD, TEXT + OPD, 24, 0, 0);
	put_section(k, &sections[2], 6, SHT_SYMTAB, 0, 0x2000, 7 * 24, 3, 24);
	put_section(k, &sections[3], 14, SHT_STRTAB, 0, 0x2400, sizeof(strings), 0, 0);
	put_section(k, &sections[4], 14, SHT_STRTAB, 0, 0x2600, sizeof(names), 0, 0);
	put_symbol(k, &symbols[1], 1, BASE + 0x100, STB_GLOBAL, 0, 1);
	put_symbol(k, &symbols[2], 7, BASE + 0x200, STB_GLOBAL, 3 << 5, 1);
	put_symbol(k, &symbols[3], 14, BASE + OPD, STB_GLOBAL, 0, 1);
	put_symbol(k, &symbols[4], 24, BASE + 0x300, STB_LOCAL, 0, 1);
	put_symbol(k, &symbols[5], 24, BASE + 0x304, STB_GLOBAL, 0, 1);
	put_symbol(k, &symbols[6], 30, 0, STB_GLOBAL, 0, SHN_UNDEF);
	memcpy(k->file + 0x2400, strings, sizeof(strings));
	memcpy(k->file + 0x2600, names, sizeof(names));
	descriptor = order(k, BASE + CODE, 64);
	memcpy(k->file + TEXT + OPD, &descriptor, 8);
	for (unsigned i = 0; i < 0x400; i++)
		k->file[TEXT + i] = (uint8_t)i;
}

static struct symbols *open_kernel(struct kernel *k, size_t size, char *err, size_t err_size)
{
	struct symbols *symbols;
	int fd;

	strcpy(k->path, "/tmp/fwnmi-unit-XXXXXX");
	fd = mkstemp(k->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, k->file, size), (ssize_t)size);
	close(fd);
	symbols = symbols_open(k->path, err, err_size);
	unlink(k->path);
	return symbols;
}

static struct symbols *open_good(struct kernel *k, bool big_endian)
{
	char err[200] = "";
	struct symbols *symbols;

	make(k, big_endian);
	symbols = open_kernel(k, SIZE, err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(symbols);
	assert_int_equal(symbols_little_endian(symbols), !big_endian);
	return symbols;
}

static void expect(const struct symbols *symbols, const char *name, uint64_t address,
		   uint64_t local)
{
	uint64_t found;

	assert_true(symbols_find(symbols, name, &found));
	assert_int_equal(found, address);
	assert_true(symbols_local_entry(symbols, name, &found));
	assert_int_equal(found, local);
}

static void functions_are_found_through_descriptors_and_local_entries(void **state)
{
	for (unsigned big_endian = 0; big_endian < 2; big_endian++) {
		struct kernel k;
		struct symbols *symbols = open_good(&k, big_endian);
		uint64_t found;

		expect(symbols, "plain", BASE + 0x100, BASE + 0x100);
		expect(symbols, "local8", BASE + 0x200, BASE + 0x208);
		expect(symbols, "described", BASE + CODE, BASE + CODE);
		/* The global symbol wins over the local one. */
		expect(symbols, "twice", BASE + 0x304, BASE + 0x304);
		assert_false(symbols_find(symbols, "undefined", &found));
		assert_false(symbols_find(symbols, "missing", &found));
		assert_null(symbols_problem(symbols));
		assert_false(symbols_local_entry(symbols, "missing", &found));
		symbols_close(symbols);
	}
}

static void only_what_is_in_the_file_is_read(void **state)
{
	struct kernel k;
	struct symbols *symbols = open_good(&k, false);
	uint8_t bytes[16];

	assert_true(symbols_read(symbols, BASE + 0x20, bytes, sizeof(bytes)));
	assert_memory_equal(bytes, k.file + TEXT + 0x20, sizeof(bytes));
	assert_true(symbols_read(symbols, BASE + 0xff0, bytes, sizeof(bytes)));
	assert_false(symbols_read(symbols, BASE + 0xff1, bytes, sizeof(bytes)));
	assert_false(symbols_read(symbols, BASE + 0x1000, bytes, 1)); /* zeros, not in the file */
	assert_false(symbols_read(symbols, BASE - 8, bytes, 16));
	assert_false(symbols_read(symbols, 0x20, bytes, 1));
	symbols_close(symbols);
}

static void files_that_are_not_kernels_are_refused(void **state)
{
	static const struct {
		unsigned offset;
		uint8_t byte;
		const char *words;
	} changes[] = {
		{ 0, 0, "not an ELF file" },
		{ EI_CLASS, ELFCLASS32, "not" },
		{ offsetof(Elf64_Ehdr, e_machine), EM_X86_64, "not for 64-bit POWER" },
		{ 0x2800 + 2 * 64 + offsetof(Elf64_Shdr, sh_type), SHT_PROGBITS,
		  "no symbol table" },
	};
	char err[200];
	struct kernel k;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		make(&k, false);
		k.file[changes[i].offset] = changes[i].byte;
		assert_null(open_kernel(&k, SIZE, err, sizeof(err)));
		if (!strstr(err, changes[i].words))
			fail_msg("\"%s\" is not in \"%s\"", changes[i].words, err);
	}
	assert_null(symbols_open("/nowhere", err, sizeof(err)));
	assert_non_null(strstr(err, "cannot open kernel /nowhere"));
	assert_null(symbols_open("/tmp", err, sizeof(err)));
	assert_non_null(strstr(err, "not a regular file"));
}

/* A memory checker sees anything else that goes wrong. */
/* Most guests need no symbols, and a kernel has megabytes of them. */
static void the_table_is_read_when_it_is_first_needed(void **state)
{
	char path[] = "/tmp/fwnmi-unit-XXXXXX", err[200] = "";
	const int fd = mkstemp(path);
	struct symbols *symbols;
	struct kernel k;
	uint64_t address;

	make(&k, false);
	assert_int_equal(write(fd, k.file, SIZE), SIZE);
	symbols = symbols_open(path, err, sizeof(err));
	unlink(path);
	assert_non_null(symbols);
	assert_int_equal(ftruncate(fd, 0x2000), 0);
	close(fd);
	assert_false(symbols_find(symbols, "plain", &address));
	assert_string_equal(symbols_problem(symbols), "its symbol table cannot be read");
	symbols_close(symbols);
}

static void cut_files_do_no_harm(void **state)
{
	struct kernel k;

	for (size_t size = 0; size < SIZE; size += 61) {
		char err[200] = "";
		struct symbols *symbols;
		uint64_t address;
		uint8_t bytes[8];

		make(&k, size % 2);
		symbols = open_kernel(&k, size, err, sizeof(err));
		if (!symbols) {
			assert_true(err[0]);
			continue;
		}
		if (symbols_find(symbols, "described", &address))
			symbols_read(symbols, address, bytes, sizeof(bytes));
		symbols_close(symbols);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_through_descriptors_and_local_entries),
		cmocka_unit_test(only_what_is_in_the_file_is_read),
		cmocka_unit_test(files_that_are_not_kernels_are_refused),
		cmocka_unit_test(the_table_is_read_when_it_is_first_needed),
		cmocka_unit_test(cut_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
