/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree, and where firmware places things in guest memory. */
#include <libfdt.h>

#include "../fakes/partition.h"

static const void *tree(void)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);

	assert_int_equal(fdt_check_full(fdt, size), 0);
	return fdt;
}

static const uint8_t *property(const char *path, const char *name, int *len)
{
	const void *fdt = tree();
	int node = fdt_path_offset(fdt, path);
	const void *value;

	assert_true(node >= 0);
	value = fdt_getprop(fdt, node, name, len);
	assert_non_null(value);
	return value;
}

static uint32_t cell(const char *path, const char *name, unsigned index)
{
	int len;
	const uint8_t *value = property(path, name, &len);

	assert_true(len >= (int)(4 * index + 4));
	return get_be32(value + 4 * index);
}

static void the_tree_is_well_formed_and_r3_points_to_it(void **state)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);

	assert_int_equal(fdt_check_full(fdt, size), 0);
	assert_true(memory_contains(&fake.memory, fake.regs[0].gpr[3], size));
	assert_memory_equal(fdt, fake.memory.base + fake.regs[0].gpr[3], size);
	assert_true(fake.regs[0].gpr[4] == KERNEL_BASE);
	assert_int_equal(fake.regs[0].gpr[5], 0);
	assert_true(fake.regs[0].msr == (MSR_SF | MSR_ME | MSR_LE));
}

static void remake(const struct papr_config *config)
{
	char err[256];

	papr_destroy(fake.papr);
	fake.papr = papr_create(config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
}

static void a_bios_is_entered_at_0x100_big_endian_with_the_tree_in_r3(void **state)
{
	struct papr_config config = fake_config();
	int node, len;

	config.image.bios_size = 0x123456;
	remake(&config);
	assert_int_equal(fake.regs[0].nip, 0x100);
	assert_true(fake.regs[0].msr == (MSR_SF | MSR_ME));
	assert_true(fake.regs[0].gpr[3] >= config.image.bios_size);
	assert_int_equal(fdt_magic(fake.memory.base + fake.regs[0].gpr[3]), FDT_MAGIC);
	assert_int_equal(fake.regs[0].gpr[5], 0);
	node = fdt_path_offset(tree(), "/chosen");
	assert_true(get_be64(property("/chosen", "qemu,boot-kernel", &len)) == KERNEL_BASE);
	assert_int_equal(len, 16);
	assert_true(get_be64(property("/chosen", "qemu,boot-kernel", &len) + 8) == KERNEL_SIZE);
	assert_non_null(fdt_getprop(tree(), node, "qemu,boot-kernel-le", NULL));
}

static void a_bios_without_a_kernel_is_told_of_none(void **state)
{
	struct papr_config config = fake_config();
	int node;

	config.image.bios_size = 0x200;
	config.image.kernel_base = config.image.kernel_entry = config.image.kernel_size = 0;
	remake(&config);
	node = fdt_path_offset(tree(), "/chosen");
	assert_null(fdt_getprop(tree(), node, "qemu,boot-kernel", NULL));
	assert_null(fdt_getprop(tree(), node, "qemu,boot-kernel-le", NULL));
}

static void what_firmware_places_below_the_kernel_is_above_the_bios(void **state)
{
	struct papr_config config = fake_config();
	char err[256] = "";

	config.image.bios_size = 0x200000;
	config.image.kernel_base = 0x400000;
	config.image.kernel_size = 0x10000;
	config.image.initrd_base = 0x410000;
	config.image.initrd_size = FAKE_RAM - config.image.initrd_base;
	remake(&config);
	assert_in_range(fake.regs[0].gpr[3], config.image.bios_size, config.image.kernel_base - 1);
	assert_in_range(cell("/rtas", "linux,rtas-base", 0), config.image.bios_size,
			config.image.kernel_base - 1);
	config.image.bios_size = config.image.kernel_base;
	papr_destroy(fake.papr);
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "no room in guest memory"));
}

static void the_root_is_compatible_with_qemus_machine_after_our_own(void **state)
{
	int len;
	const uint8_t *names = property("/", "compatible", &len);

	assert_string_equal((const char *)names, "fwnmi,pseries");
	assert_int_equal(fdt_node_check_compatible(tree(), 0, "fwnmi,pseries"), 0);
	assert_int_equal(fdt_node_check_compatible(tree(), 0, "qemu,pseries"), 0);
}

static void nothing_that_firmware_places_overlaps(void **state)
{
	size_t size;
	uint64_t tree_base = fake.regs[0].gpr[3], tree_end, rtas_base, rtas_end;

	papr_fdt(fake.papr, &size);
	tree_end = tree_base + size;
	rtas_base = cell("/rtas", "linux,rtas-base", 0);
	rtas_end = rtas_base + cell("/rtas", "rtas-size", 0);
	assert_true(rtas_end <= FAKE_RAM);
	assert_true(tree_end <= rtas_base || tree_base >= rtas_end);
	assert_true(tree_base >= KERNEL_BASE + KERNEL_SIZE);
	assert_true(tree_end <= INITRD_BASE || tree_base >= INITRD_BASE + INITRD_SIZE);
	assert_true(rtas_end <= INITRD_BASE || rtas_base >= INITRD_BASE + INITRD_SIZE);
}

static void firmware_moves_below_an_initrd_at_the_top(void **state)
{
	struct papr_config config = fake_config();
	char err[256];

	papr_destroy(fake.papr);
	config.image.initrd_base = FAKE_RAM - 0x200000;
	config.image.initrd_size = 0x200000;
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_true(cell("/rtas", "linux,rtas-base", 0) < config.image.initrd_base);
	assert_true(fake.regs[0].gpr[3] < config.image.initrd_base);
}

static void too_little_memory_is_a_reason_not_a_crash(void **state)
{
	struct papr_config config = fake_config();
	char err[256] = "";

	papr_destroy(fake.papr);
	config.image.initrd_base = KERNEL_SIZE;
	config.image.initrd_size = FAKE_RAM - KERNEL_SIZE;
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), -1);
	assert_true(strlen(err) > 0);
}

static void rtas_and_initrd_are_reserved(void **state)
{
	const void *fdt = tree();
	uint64_t base, size;

	assert_int_equal(fdt_num_mem_rsv(fdt), 2);
	fdt_get_mem_rsv(fdt, 0, &base, &size);
	assert_int_equal(base, cell("/rtas", "linux,rtas-base", 0));
	fdt_get_mem_rsv(fdt, 1, &base, &size);
	assert_int_equal(base, INITRD_BASE);
	assert_int_equal(size, INITRD_SIZE);
}

static void the_rtas_entry_is_code_that_makes_the_private_hcall(void **state)
{
	uint32_t entry = cell("/rtas", "linux,rtas-entry", 0), insn;

	memory_read_be32(&fake.memory, entry, &insn);
	assert_int_equal(insn, 0x7c641b78); /* mr r4,r3 */
	memory_read_be32(&fake.memory, entry + 12, &insn);
	assert_int_equal(insn, 0x44000022); /* sc 1 */
	memory_read_be32(&fake.memory, entry + 16, &insn);
	assert_int_equal(insn, 0x4e800020); /* blr */
	assert_int_equal(cell("/rtas", "rtas-error-log-max", 0), 2048);
}

static void each_processor_has_a_node_with_its_number(void **state)
{
	for (unsigned i = 0; i < FAKE_CPUS; i++) {
		char path[64];
		int len;

		snprintf(path, sizeof(path), "/cpus/PowerPC,POWER9@%u", i);
		assert_int_equal(cell(path, "reg", 0), i);
		assert_int_equal(cell(path, "ibm,ppc-interrupt-server#s", 0), i);
		assert_int_equal(cell(path, "timebase-frequency", 0), 512000000);
		assert_int_equal(cell(path, "ibm,vmx", 0), 2);
		assert_int_equal(cell(path, "ibm,dfp", 0), 1);
		/* radix on, no transactional memory, decimal floating point */
		assert_int_equal(property(path, "ibm,pa-features", &len)[2 + 40], 0x80);
		assert_int_equal(property(path, "ibm,pa-features", &len)[2 + 22], 0);
		assert_int_equal(property(path, "ibm,pa-features", &len)[2 + 54], 0x80);
		assert_int_equal(property(path, "ibm,pa-features", &len)[0], len - 2);
	}
	assert_true(fdt_path_offset(tree(), "/cpus/PowerPC,POWER9@4") < 0);
}

static void the_tree_says_which_processor_it_is_and_what_it_is_compatible_with(void **state)
{
	static const struct {
		const char *cpu, *compat, *path;
		uint32_t version;
		int features;
		uint8_t radix; /* byte 40 of ibm,pa-features */
	} known[] = {
		{ "power8", NULL, "/cpus/PowerPC,POWER8@0", 0x0f000004, 26, 0 },
		{ "power8e", NULL, "/cpus/PowerPC,POWER8E@0", 0x0f000004, 26, 0 },
		{ "power9", "power9", "/cpus/PowerPC,POWER9@0", 0x0f000005, 66, 0x80 },
		{ "power9", "power8", "/cpus/PowerPC,POWER9@0", 0x0f000004, 26, 0 },
		{ "power10", NULL, "/cpus/PowerPC,POWER10@0", 0x0f000006, 76, 0x80 },
		{ "power10", "power9", "/cpus/PowerPC,POWER10@0", 0x0f000005, 66, 0x80 },
		{ "power11", NULL, "/cpus/PowerPC,POWER11@0", 0x0f000007, 76, 0x80 },
		{ "power11", "power10", "/cpus/PowerPC,POWER11@0", 0x0f000006, 76, 0x80 },
	};
	struct papr_config config = fake_config();

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const uint8_t *features;
		int len;

		config.cpu = cpu_model_named(known[i].cpu);
		config.compat = known[i].compat ? cpu_model_named(known[i].compat) : NULL;
		remake(&config);
		assert_int_equal(cell(known[i].path, "cpu-version", 0), known[i].version);
		features = property(known[i].path, "ibm,pa-features", &len);
		assert_int_equal(len, known[i].features);
		assert_int_equal(features[0], len - 2);
		if (len > 2 + 40)
			assert_int_equal(features[2 + 40], known[i].radix);
	}
}

static void the_tree_says_radix_xics_and_gtse(void **state)
{
	int len;
	const uint8_t *vec = property("/chosen", "ibm,architecture-vec-5", &len);

	assert_true(len > 26);
	assert_int_equal(vec[0], len - 2);
	assert_int_equal(vec[23], 0);
	assert_int_equal(vec[24], 0x40);
	assert_int_equal(vec[26], 0x40);
	property("/interrupt-controller", "interrupt-controller", &len);
	assert_string_equal((const char *)property("/interrupt-controller", "compatible", &len),
			    "IBM,ppc-xicp");
}

static void radix_hcall_invalidate_on_the_command_line_leaves_gtse_out(void **state)
{
	struct papr_config config = fake_config();
	const uint8_t *vec;
	int len;

	config.options.bootargs = "quiet radix_hcall_invalidate=on";
	remake(&config);
	vec = property("/chosen", "ibm,architecture-vec-5", &len);
	assert_int_equal(vec[24], 0x40);
	assert_int_equal(vec[26], 0);
	assert_false(fake.partition.gtse);
	config.options.bootargs = "radix_hcall_invalidate=off";
	remake(&config);
	vec = property("/chosen", "ibm,architecture-vec-5", &len);
	assert_int_equal(vec[26], 0x40);
	assert_true(fake.partition.gtse);
}

static void remake_for(enum papr_mmu mmu)
{
	struct papr_config config = fake_config();

	config.options.mmu = mmu;
	remake(&config);
}

static bool has(const char *path, const char *name)
{
	const void *fdt = tree();

	return fdt_getprop(fdt, fdt_path_offset(fdt, path), name, NULL) != NULL;
}

/* Radix alone, a hash table alone, or both. */
static void the_tree_offers_the_translation_that_the_user_wants(void **state)
{
	static const struct {
		enum papr_mmu mmu;
		uint8_t vec5;
		bool radix, hash;
	} cases[] = {
		{ PAPR_MMU_AUTO, 0x40, true, false },
		{ PAPR_MMU_RADIX, 0x40, true, false },
		{ PAPR_MMU_HASH, 0x00, false, true },
		{ PAPR_MMU_EITHER, 0x80, true, true },
	};
	static const char cpu[] = "/cpus/PowerPC,POWER9@0";
	int len;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		remake_for(cases[i].mmu);
		assert_int_equal(property("/chosen", "ibm,architecture-vec-5", &len)[24],
				 cases[i].vec5);
		/* Only hash guests have a table whose size can change. */
		assert_int_equal(property("/chosen", "ibm,architecture-vec-5", &len)[6],
				 cases[i].hash ? 0x01 : 0);
		assert_int_equal(has(cpu, "ibm,processor-radix-AP-encodings"), cases[i].radix);
		assert_int_equal(!!(property(cpu, "ibm,pa-features", &len)[42] & 0x80),
				 cases[i].radix);
		assert_int_equal(!!(property(cpu, "ibm,pa-features", &len)[2] & 0x20),
				 cases[i].hash);
		assert_int_equal(has(cpu, "ibm,segment-page-sizes"), cases[i].hash);
		assert_int_equal(has(cpu, "slb-size"), cases[i].hash);
	}
}

static void a_hash_guest_is_told_of_sizes_slb_and_keys(void **state)
{
	static const uint32_t pages[] = { 12, 0,  3, 12, 0, 16, 7,     24, 0x38, 16, 0x110,
					  2,  16, 1, 24, 8, 24, 0x100, 1,  24,	 0 };
	static const char cpu[] = "/cpus/PowerPC,POWER9@3";

	remake_for(PAPR_MMU_HASH);
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		assert_int_equal(cell(cpu, "ibm,segment-page-sizes", i), pages[i]);
	assert_int_equal(cell(cpu, "ibm,processor-segment-sizes", 0), 28);
	assert_int_equal(cell(cpu, "ibm,processor-segment-sizes", 1), 40);
	assert_int_equal(cell(cpu, "ibm,processor-page-sizes", 2), 24);
	assert_int_equal(cell(cpu, "slb-size", 0), 32);
	assert_int_equal(cell(cpu, "ibm,slb-size", 0), 32);
	assert_int_equal(cell(cpu, "ibm,pft-size", 1), 19);
	assert_int_equal(cell(cpu, "ibm,processor-storage-keys", 0), 32);
}

static void chosen_has_what_the_loader_said(void **state)
{
	int len;

	assert_string_equal((const char *)property("/chosen", "bootargs", &len), "console=hvc0");
	assert_true(get_be64(property("/chosen", "linux,initrd-start", &len)) == INITRD_BASE);
	assert_true(get_be64(property("/chosen", "linux,initrd-end", &len)) ==
		    INITRD_BASE + INITRD_SIZE);
	assert_true(fdt_path_offset(tree(),
				    (const char *)property("/chosen", "stdout-path", &len)) > 0);
	assert_int_equal(cell("/memory@0", "reg", 3), FAKE_RAM);
}

static void the_tree_is_the_same_every_time_under_the_instruction_clock(void **state)
{
	size_t size, again;
	void *first;
	char err[256];

	papr_fdt(fake.papr, &size);
	first = exact_copy(papr_fdt(fake.papr, &size), size);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_memory_equal(first, papr_fdt(fake.papr, &again), size);
	assert_int_equal(again, size);
	free(first);
}

static void a_long_command_line_fits(void **state)
{
	struct papr_config config = fake_config();
	char err[256], *line = malloc(100000);
	int len;

	memset(line, 'a', 99999);
	line[99999] = '\0';
	papr_destroy(fake.papr);
	config.options.bootargs = line;
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_string_equal((const char *)property("/chosen", "bootargs", &len), line);
	free(line);
}

static void a_core_has_a_node_with_its_threads_and_its_socket(void **state)
{
	struct papr_config config = fake_config();
	char path[64], err[256];
	int len;

	config.nr_vcpus = ENGINE_MAX_VCPUS;
	config.options.topology = (struct papr_topology){ .threads = 4, .cores = 8 };
	config.options.mmu = PAPR_MMU_EITHER;
	remake(&config);
	for (unsigned core = 0; core < ENGINE_MAX_VCPUS / 4; core++) {
		snprintf(path, sizeof(path), "/cpus/PowerPC,POWER9@%x", 4 * core);
		assert_int_equal(cell(path, "reg", 0), 4 * core);
		assert_int_equal(cell(path, "ibm,chip-id", 0), core / 8);
		for (unsigned i = 0; i < 4; i++) {
			assert_int_equal(cell(path, "ibm,ppc-interrupt-server#s", i), 4 * core + i);
			assert_int_equal(cell(path, "ibm,ppc-interrupt-gserver#s", 2 * i),
					 4 * core + i);
		}
		property(path, "ibm,ppc-interrupt-server#s", &len);
		assert_int_equal(len, 16);
		snprintf(path, sizeof(path), "/cpus/PowerPC,POWER9@%x", 4 * core + 1);
		assert_true(fdt_path_offset(tree(), path) < 0);
	}
	config.options.topology.threads = 3;
	assert_null(papr_create(&config, err, sizeof(err)));
	config.options.topology.threads = 16;
	assert_null(papr_create(&config, err, sizeof(err)));
	config.options.topology.threads = 8;
	config.nr_vcpus = 12;
	assert_null(papr_create(&config, err, sizeof(err)));
	config.nr_vcpus = 8;
	fake.capabilities &= ~(unsigned)ENGINE_CAP_DOORBELL;
	assert_null(papr_create(&config, err, sizeof(err)));
	assert_string_equal(err, "this engine's cores have one thread each");
}

static void the_tree_of_all_processors_fits(void **state)
{
	struct papr_config config = fake_config();

	config.nr_vcpus = ENGINE_MAX_VCPUS;
	config.options.topology.cores = 16;
	config.options.mmu = PAPR_MMU_EITHER;
	remake(&config);
	for (unsigned i = 0; i < ENGINE_MAX_VCPUS; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/cpus/PowerPC,POWER9@%x", i);
		assert_int_equal(cell(path, "ibm,ppc-interrupt-server#s", 0), i);
		assert_int_equal(cell(path, "ibm,chip-id", 0), i / 16);
	}
	assert_int_equal(cell("/interrupt-controller", "ibm,interrupt-server-ranges", 1),
			 ENGINE_MAX_VCPUS);
}

static void more_processors_than_the_engine_has_are_refused(void **state)
{
	struct papr_config config = fake_config();
	char err[256];

	config.nr_vcpus = ENGINE_MAX_VCPUS + 1;
	assert_null(papr_create(&config, err, sizeof(err)));
	config.nr_vcpus = 0;
	assert_null(papr_create(&config, err, sizeof(err)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_tree_is_well_formed_and_r3_points_to_it),
		TEST(a_bios_is_entered_at_0x100_big_endian_with_the_tree_in_r3),
		TEST(a_bios_without_a_kernel_is_told_of_none),
		TEST(what_firmware_places_below_the_kernel_is_above_the_bios),
		TEST(the_root_is_compatible_with_qemus_machine_after_our_own),
		TEST(nothing_that_firmware_places_overlaps),
		TEST(firmware_moves_below_an_initrd_at_the_top),
		TEST(too_little_memory_is_a_reason_not_a_crash),
		TEST(rtas_and_initrd_are_reserved),
		TEST(the_rtas_entry_is_code_that_makes_the_private_hcall),
		TEST(each_processor_has_a_node_with_its_number),
		TEST(the_tree_says_which_processor_it_is_and_what_it_is_compatible_with),
		TEST(the_tree_says_radix_xics_and_gtse),
		TEST(radix_hcall_invalidate_on_the_command_line_leaves_gtse_out),
		TEST(the_tree_offers_the_translation_that_the_user_wants),
		TEST(a_hash_guest_is_told_of_sizes_slb_and_keys),
		TEST(chosen_has_what_the_loader_said),
		TEST(the_tree_is_the_same_every_time_under_the_instruction_clock),
		TEST(a_long_command_line_fits),
		TEST(a_core_has_a_node_with_its_threads_and_its_socket),
		TEST(the_tree_of_all_processors_fits),
		TEST(more_processors_than_the_engine_has_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
