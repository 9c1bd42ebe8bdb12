/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loader, with generated ELF files: good ones in both byte orders, and every kind of bad one.
 */
#include <elf.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine/loader.c"

#include "unit.h"

#define RAM_SIZE (1u << 20)

struct segment {
	uint64_t vaddr, paddr, offset, filesz, memsz;
};

/*
 * What to write. The defaults make a valid little-endian kernel at 0 that runs at
 * 0xc000000000000000.
 */
struct elf {
	bool big_endian;
	unsigned class, machine, type;
	uint64_t entry;
	unsigned nr_segments;
	struct segment segments[2];
	uint64_t file_size; /* truncated or padded to this size */
	uint64_t opd; /* address of an .opd section at file offset 0x300, 0: none */
	uint64_t opd_target;
};

static const struct elf sound = {
	.class = ELFCLASS64,
	.machine = EM_PPC64,
	.type = ET_EXEC,
	.entry = 0xc000000000000100,
	.nr_segments = 2,
	.segments = { { 0xc000000000000000, 0, 0x200, 0x180, 0x400 },
		      { 0xc000000000010000, 0x10000, 0x380, 0x10, 0x2000 } },
	.file_size = 0x600,
};

static uint8_t image[0x1000];
static char kernel_path[] = "/tmp/fwnmi-loader-XXXXXX";
static char initrd_path[] = "/tmp/fwnmi-initrd-XXXXXX";
static uint8_t ram[RAM_SIZE];
static struct guest_memory memory = { .base = ram, .size = RAM_SIZE };
static struct loader loader;
static char err[256];

static void put(const struct elf *elf, unsigned offset, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned shift = elf->big_endian ? 8 * (size - 1 - i) : 8 * i;

		image[offset + i] = (uint8_t)(value >> shift);
	}
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* Offsets are those of Elf64_Ehdr, Elf64_Phdr and Elf64_Shdr in the System V ABI. */
static void make_kernel(const struct elf *elf)
{
	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i ^ i >> 8);
	memset(image, 0, 64);
	memcpy(image, ELFMAG, SELFMAG);
	image[EI_CLASS] = (uint8_t)elf->class;
	image[EI_DATA] = elf->big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	image[EI_VERSION] = EV_CURRENT;
	put(elf, 16, 2, elf->type);
	put(elf, 18, 2, elf->machine);
	put(elf, 20, 4, EV_CURRENT);
	put(elf, 24, 8, elf->entry);
	put(elf, 32, 8, 64);
	put(elf, 52, 2, 64);
	put(elf, 54, 2, 56);
	put(elf, 56, 2, elf->nr_segments);
	for (unsigned i = 0; i < elf->nr_segments && i < 2; i++) {
		const struct segment *s = &elf->segments[i];
		unsigned at = 64 + 56 * i;

		put(elf, at, 4, PT_LOAD);
		put(elf, at + 8, 8, s->offset);
		put(elf, at + 16, 8, s->vaddr);
		put(elf, at + 24, 8, s->paddr);
		put(elf, at + 32, 8, s->filesz);
		put(elf, at + 40, 8, s->memsz);
	}
	if (elf->opd) {
		/* Sections: null, .opd, names; the headers at 0x400, the names at 0x500. */
		put(elf, 40, 8, 0x400);
		put(elf, 58, 2, 64);
		put(elf, 60, 2, 3);
		put(elf, 62, 2, 2);
		memset(image + 0x400, 0, 3 * 64);
		put(elf, 0x440, 4, 1);
		put(elf, 0x444, 4, SHT_PROGBITS);
		put(elf, 0x450, 8, elf->opd);
		put(elf, 0x458, 8, 0x300);
		put(elf, 0x460, 8, 24);
		put(elf, 0x480, 4, 6);
		put(elf, 0x484, 4, SHT_STRTAB);
		put(elf, 0x498, 8, 0x500);
		put(elf, 0x4a0, 8, 16);
		memcpy(image + 0x500, "\0.opd\0.names\0\0\0", 16);
		put(elf, 0x300, 8, elf->opd_target);
	}
	write_file(kernel_path, image, elf->file_size);
}

static int load(const struct elf *elf, const char *initrd)
{
	int ret;

	make_kernel(elf);
	memset(ram, 0, sizeof(ram));
	ret = loader_open(&loader, kernel_path, initrd, RAM_SIZE, err, sizeof(err));
	if (ret == 0)
		ret = loader_fill(&loader, &memory, err, sizeof(err));
	return ret;
}

static void assert_loads(const struct elf *elf)
{
	if (load(elf, NULL) < 0)
		fail_msg("%s", err);
	loader_close(&loader);
}

static void assert_refused(const struct elf *elf, const char *why)
{
	*err = '\0';
	assert_int_equal(load(elf, NULL), -1);
	if (!strstr(err, why) || !strstr(err, kernel_path) || strchr(err, '\n'))
		fail_msg("\"%s\" does not say \"%s\"", err, why);
	assert_int_equal(loader.kernel_fd, -1);
}

static void segments_go_to_their_physical_addresses(void **state)
{
	static const uint8_t zero[0x2000];

	assert_loads(&sound);
	assert_memory_equal(ram, image + 0x200, 0x180);
	assert_memory_equal(ram + 0x180, zero, 0x400 - 0x180);
	assert_memory_equal(ram + 0x10000, image + 0x380, 0x10);
	assert_memory_equal(ram + 0x10010, zero, 0x1ff0);
	assert_int_equal(loader.image.kernel_base, 0);
	assert_int_equal(loader.image.kernel_size, 0x12000);
	assert_true(loader.image.kernel_little_endian);
}

static void an_effective_entry_address_is_translated_by_its_segment(void **state)
{
	struct elf elf = sound;

	assert_loads(&elf);
	assert_int_equal(loader.image.kernel_entry, 0x100);
	elf.entry = 0xc000000000011ffc;
	assert_loads(&elf);
	assert_int_equal(loader.image.kernel_entry, 0x11ffc);
}

static void a_physical_entry_address_is_taken_as_it_is(void **state)
{
	struct elf elf = sound;

	elf.entry = 0x10008;
	assert_loads(&elf);
	assert_int_equal(loader.image.kernel_entry, 0x10008);
}

static void big_endian_kernels_load_too(void **state)
{
	struct elf elf = sound;

	elf.big_endian = true;
	assert_loads(&elf);
	assert_false(loader.image.kernel_little_endian);
	assert_int_equal(loader.image.kernel_entry, 0x100);
	assert_memory_equal(ram, image + 0x200, 0x180);
}

static void an_entry_in_opd_is_a_function_descriptor(void **state)
{
	struct elf elf = sound;

	elf.big_endian = true;
	elf.opd = 0xc000000000000100;
	elf.opd_target = 0xc000000000000040;
	assert_loads(&elf);
	assert_int_equal(loader.image.kernel_entry, 0x40);
	elf.big_endian = false;
	assert_loads(&elf);
	assert_int_equal(loader.image.kernel_entry, 0x40);
}

static void the_base_is_the_lowest_segment(void **state)
{
	struct elf elf = sound;

	elf.segments[0].paddr = 0x40000;
	elf.segments[1].paddr = 0x30000;
	assert_loads(&elf);
	assert_int_equal(loader.image.kernel_base, 0x30000);
	assert_int_equal(loader.image.kernel_size, 0x10400);
	assert_int_equal(loader.image.kernel_entry, 0x40100);
}

static void a_file_that_is_not_elf_is_refused(void **state)
{
	assert_refused(&(struct elf){ .file_size = 0 }, "not an ELF file");
	make_kernel(&sound);
	write_file(kernel_path, "#!/bin/sh\n", 10);
	assert_int_equal(loader_open(&loader, kernel_path, NULL, RAM_SIZE, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "not an ELF file"));
}

static void a_compressed_kernel_is_refused_by_the_name_of_its_compression(void **state)
{
	static const struct {
		const char *magic, *why;
	} compressed[] = {
		{ "\x1f\x8b\x08\x00", "one that gzip has compressed" },
		{ "\xfd\x37zXZ", "one that xz has compressed" },
		{ "\x28\xb5\x2f\xfd", "one that zstd has compressed" },
	};

	make_kernel(&sound);
	for (size_t i = 0; i < ARRAY_SIZE(compressed); i++) {
		write_file(kernel_path, compressed[i].magic, 4);
		assert_int_equal(
			loader_open(&loader, kernel_path, NULL, RAM_SIZE, err, sizeof(err)), -1);
		assert_non_null(strstr(err, compressed[i].why));
	}
}

static void missing_and_special_files_are_refused(void **state)
{
	assert_int_equal(loader_open(&loader, "/nonexistent", NULL, RAM_SIZE, err, sizeof(err)),
			 -1);
	assert_string_equal(err, "cannot open kernel /nonexistent: No such file or directory");
	assert_int_equal(loader_open(&loader, "/", NULL, RAM_SIZE, err, sizeof(err)), -1);
	assert_string_equal(err, "cannot read kernel /: not a regular file");
	assert_int_equal(loader_open(&loader, "/dev/null", NULL, RAM_SIZE, err, sizeof(err)), -1);
	assert_string_equal(err, "cannot read kernel /dev/null: not a regular file");
}

static void a_file_cut_anywhere_is_refused(void **state)
{
	struct elf elf = sound;

	for (elf.file_size = 4; elf.file_size < 0x390; elf.file_size++)
		assert_refused(&elf, "truncated");
	elf.file_size = 0x390;
	assert_loads(&elf);
}

static void other_machines_are_refused(void **state)
{
	struct elf elf = sound;

	elf.machine = EM_X86_64;
	assert_refused(&elf, "for another machine (ELF machine 62)");
	elf.class = ELFCLASS32;
	elf.machine = EM_PPC;
	assert_refused(&elf, "32-bit");
	elf.machine = EM_386;
	assert_refused(&elf, "for another machine (ELF machine 3)");
}

static void relocatable_and_core_files_are_refused(void **state)
{
	struct elf elf = sound;

	elf.type = ET_REL;
	assert_refused(&elf, "not an executable");
	elf.type = ET_CORE;
	assert_refused(&elf, "not an executable");
	elf.type = ET_DYN;
	assert_loads(&elf);
}

static void segments_outside_memory_are_refused(void **state)
{
	struct elf elf = sound;

	elf.segments[1].paddr = RAM_SIZE - 0x2000;
	assert_loads(&elf);
	elf.segments[1].paddr++;
	assert_refused(&elf, "does not fit in 1 MiB");
	elf.segments[1].paddr = UINT64_MAX - 0xfff;
	assert_refused(&elf, "does not fit in 1 MiB");
	elf.segments[1].paddr = 0;
	elf.segments[1].memsz = UINT64_MAX;
	assert_refused(&elf, "does not fit in 1 MiB");
}

static void contradictory_segments_are_refused(void **state)
{
	struct elf elf = sound;

	elf.segments[0].filesz = elf.segments[0].memsz + 1;
	assert_refused(&elf, "malformed segment");
	elf = sound;
	elf.segments[0].offset = UINT64_MAX - 1;
	assert_refused(&elf, "truncated file");
	elf = sound;
	elf.nr_segments = 0;
	assert_refused(&elf, "no segments");
}

static void overlapping_segments_are_refused(void **state)
{
	struct elf elf = sound;

	elf.segments[1].paddr = 0x3ff;
	assert_refused(&elf, "segments 0x0+0x400 and 0x3ff+0x2000 overlap");
	elf.segments[1].paddr = 0x400;
	assert_loads(&elf);
}

static void more_program_headers_than_the_header_can_count_are_none(void **state)
{
	struct elf elf = sound;

	elf.nr_segments = PN_XNUM - 1;
	assert_refused(&elf, "truncated file");
	elf.nr_segments = PN_XNUM;
	assert_refused(&elf, "no segments");
}

static void an_entry_outside_the_segments_is_refused(void **state)
{
	struct elf elf = sound;

	elf.entry = 0xc000000000000400;
	assert_refused(&elf, "entry 0xc000000000000400 is not in its segments");
	elf.entry = 0xc000000000000102;
	assert_refused(&elf, "entry");
}

static void the_initrd_follows_the_kernel_on_a_64_kib_boundary(void **state)
{
	write_file(initrd_path, "ramdisk", 7);
	assert_int_equal(load(&sound, initrd_path), 0);
	assert_int_equal(loader.image.initrd_base, 0x20000);
	assert_int_equal(loader.image.initrd_size, 7);
	assert_memory_equal(ram + 0x20000, "ramdisk", 8);
	loader_close(&loader);
}

static void bad_initrds_are_refused(void **state)
{
	static uint8_t big[RAM_SIZE - 0x20000 + 1];

	assert_int_equal(load(&sound, "/nonexistent"), -1);
	assert_string_equal(err, "cannot open initrd /nonexistent: No such file or directory");
	write_file(initrd_path, "", 0);
	assert_int_equal(load(&sound, initrd_path), -1);
	assert_non_null(strstr(err, "empty file"));
	write_file(initrd_path, big, sizeof(big));
	assert_int_equal(load(&sound, initrd_path), -1);
	assert_non_null(strstr(err, "does not fit in 1 MiB"));
	write_file(initrd_path, big, sizeof(big) - 1);
	assert_int_equal(load(&sound, initrd_path), 0);
	loader_close(&loader);
}

static void a_file_that_shrinks_before_a_reboot_is_an_error(void **state)
{
	assert_int_equal(load(&sound, NULL), 0);
	assert_int_equal(truncate(kernel_path, 0x210), 0);
	assert_int_equal(loader_fill(&loader, &memory, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "truncated file"));
	loader_close(&loader);
}

static uint64_t written_from, written_to;

static void note_written(struct engine *engine, uint64_t address, uint64_t len)
{
	if (address < written_from)
		written_from = address;
	if (address + len > written_to)
		written_to = address + len;
}

static void the_engine_is_told_of_loaded_memory(void **state)
{
	written_from = UINT64_MAX;
	written_to = 0;
	memory.written = note_written;
	assert_loads(&sound);
	memory.written = NULL;
	assert_int_equal(written_from, 0);
	assert_int_equal(written_to, 0x10010);
}

/* ---- images at 0, and kernels above them ---- */

#define ROOM_SIZE (6u << 20)

static uint8_t room_bytes[ROOM_SIZE];
static struct guest_memory room = { .base = room_bytes, .size = ROOM_SIZE };

/* Linked like kvm-unit-tests. */
static struct elf position_independent_at_zero(void)
{
	struct elf elf = sound;

	elf.type = ET_DYN;
	elf.entry = 0x104;
	elf.segments[0].vaddr = 0;
	elf.segments[1].vaddr = 0x10000;
	return elf;
}

static int open_in(uint64_t ram_size, const struct elf *elf, const char *initrd, const char *bios)
{
	int ret;

	make_kernel(elf);
	*err = '\0';
	ret = loader_open(&loader, kernel_path, initrd, ram_size, err, sizeof(err));
	if (ret == 0 && bios)
		ret = loader_open_bios(&loader, bios, ram_size, err, sizeof(err));
	if (ret == 0) {
		memset(room_bytes, 0, sizeof(room_bytes));
		assert_int_equal(loader_fill(&loader, &room, err, sizeof(err)), 0);
	}
	return ret;
}

static void a_position_independent_kernel_that_is_linked_at_0_goes_above_the_vectors(void **state)
{
	struct elf elf = position_independent_at_zero();

	assert_int_equal(open_in(ROOM_SIZE, &elf, NULL, NULL), 0);
	assert_int_equal(loader.image.kernel_base, 0x400000);
	assert_int_equal(loader.image.kernel_size, 0x12000);
	assert_int_equal(loader.image.kernel_entry, 0x400104);
	assert_memory_equal(room_bytes + 0x400000, image + 0x200, 0x180);
	assert_memory_equal(room_bytes + 0x410000, image + 0x380, 0x10);
	for (unsigned i = 0; i < 0x20000; i++)
		assert_int_equal(room_bytes[i], 0);
	loader_close(&loader);
}

/* Linux relocates itself from wherever it is loaded; an executable must be loaded where it says. */
static void kernels_that_run_elsewhere_or_have_to_be_at_0_stay_there(void **state)
{
	struct elf elf = position_independent_at_zero();

	elf.type = ET_EXEC;
	assert_int_equal(open_in(ROOM_SIZE, &elf, NULL, NULL), 0);
	assert_int_equal(loader.image.kernel_base, 0);
	loader_close(&loader);
	elf = sound;
	elf.type = ET_DYN;
	assert_int_equal(open_in(ROOM_SIZE, &elf, NULL, NULL), 0);
	assert_int_equal(loader.image.kernel_base, 0);
	loader_close(&loader);
}

static void a_kernel_that_no_longer_fits_above_the_vectors_is_refused(void **state)
{
	struct elf elf = position_independent_at_zero();

	assert_int_equal(open_in(LOADER_KERNEL_ADDRESS + 0x12000, &elf, NULL, NULL), 0);
	loader_close(&loader);
	assert_int_equal(open_in(LOADER_KERNEL_ADDRESS + 0x11fff, &elf, NULL, NULL), -1);
	assert_non_null(strstr(err, "does not fit above 0x400000 in 4 MiB of memory"));
}

static void a_bios_goes_to_0_and_any_kernel_with_its_initrd_above_it(void **state)
{
	const struct elf kernels[] = { sound, position_independent_at_zero() };
	static uint8_t rom[LOADER_BIOS_MAX];

	for (size_t i = 0; i < sizeof(rom); i++)
		rom[i] = (uint8_t)(i * 7 + 3);
	write_file(initrd_path, rom, sizeof(rom));
	for (unsigned i = 0; i < ARRAY_SIZE(kernels); i++) {
		assert_int_equal(open_in(ROOM_SIZE, &kernels[i], kernel_path, initrd_path), 0);
		assert_int_equal(loader.image.bios_size, sizeof(rom));
		assert_memory_equal(room_bytes, rom, sizeof(rom));
		assert_int_equal(loader.image.kernel_base, 0x400000);
		assert_int_equal(loader.image.kernel_entry, kernels[i].entry % 0x1000 + 0x400000);
		assert_memory_equal(room_bytes + 0x400000, image + 0x200, 0x180);
		assert_int_equal(loader.image.initrd_base, 0x420000);
		loader_close(&loader);
	}
}

static void a_bios_needs_no_kernel(void **state)
{
	static const uint8_t rom[0x104] = { 1, 2, 3 };

	write_file(initrd_path, rom, sizeof(rom));
	loader = (struct loader){ .kernel_fd = -1, .initrd_fd = -1, .bios_fd = -1 };
	assert_int_equal(loader_open_bios(&loader, initrd_path, ROOM_SIZE, err, sizeof(err)), 0);
	assert_int_equal(loader_fill(&loader, &room, err, sizeof(err)), 0);
	assert_memory_equal(room_bytes, rom, sizeof(rom));
	assert_int_equal(loader.image.kernel_size, 0);
	loader_close(&loader);
}

static void assert_bios_refused(const char *path, const char *why)
{
	assert_int_equal(open_in(ROOM_SIZE, &sound, NULL, path), -1);
	loader_close(&loader);
	if (!strstr(err, why) || !strstr(err, path))
		fail_msg("\"%s\" does not name %s and say \"%s\"", err, path, why);
}

static void bad_bioses_are_refused(void **state)
{
	assert_bios_refused("/nonexistent", "No such file or directory");
	assert_bios_refused("/", "not a regular file");
	assert_bios_refused("/dev/zero", "not a regular file");
	write_file(initrd_path, "", 0);
	assert_bios_refused(initrd_path, "empty file");
	write_file(initrd_path, "abcd", 4);
	assert_bios_refused(initrd_path, "4 bytes, nothing at its entry, 0x100");
	assert_int_equal(truncate(initrd_path, LOADER_BIOS_MAX + 1), 0);
	assert_bios_refused(initrd_path, "larger than 4 MiB");
	assert_int_equal(truncate(initrd_path, 0x104), 0);
	assert_int_equal(open_in(LOADER_KERNEL_ADDRESS, &sound, NULL, initrd_path), -1);
	assert_non_null(strstr(err, "does not fit above 0x400000"));
	loader_close(&loader);
}

static int make_files(void **state)
{
	int fd = mkstemp(kernel_path);

	if (fd < 0 || close(fd) < 0)
		return -1;
	fd = mkstemp(initrd_path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_files(void **state)
{
	unlink(initrd_path);
	return unlink(kernel_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_go_to_their_physical_addresses),
		cmocka_unit_test(an_effective_entry_address_is_translated_by_its_segment),
		cmocka_unit_test(a_physical_entry_address_is_taken_as_it_is),
		cmocka_unit_test(big_endian_kernels_load_too),
		cmocka_unit_test(an_entry_in_opd_is_a_function_descriptor),
		cmocka_unit_test(the_base_is_the_lowest_segment),
		cmocka_unit_test(a_file_that_is_not_elf_is_refused),
		cmocka_unit_test(a_compressed_kernel_is_refused_by_the_name_of_its_compression),
		cmocka_unit_test(missing_and_special_files_are_refused),
		cmocka_unit_test(a_file_cut_anywhere_is_refused),
		cmocka_unit_test(other_machines_are_refused),
		cmocka_unit_test(relocatable_and_core_files_are_refused),
		cmocka_unit_test(segments_outside_memory_are_refused),
		cmocka_unit_test(contradictory_segments_are_refused),
		cmocka_unit_test(overlapping_segments_are_refused),
		cmocka_unit_test(more_program_headers_than_the_header_can_count_are_none),
		cmocka_unit_test(an_entry_outside_the_segments_is_refused),
		cmocka_unit_test(the_initrd_follows_the_kernel_on_a_64_kib_boundary),
		cmocka_unit_test(bad_initrds_are_refused),
		cmocka_unit_test(a_file_that_shrinks_before_a_reboot_is_an_error),
		cmocka_unit_test(the_engine_is_told_of_loaded_memory),
		cmocka_unit_test(
			a_position_independent_kernel_that_is_linked_at_0_goes_above_the_vectors),
		cmocka_unit_test(kernels_that_run_elsewhere_or_have_to_be_at_0_stay_there),
		cmocka_unit_test(a_kernel_that_no_longer_fits_above_the_vectors_is_refused),
		cmocka_unit_test(a_bios_goes_to_0_and_any_kernel_with_its_initrd_above_it),
		cmocka_unit_test(a_bios_needs_no_kernel),
		cmocka_unit_test(bad_bioses_are_refused),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
