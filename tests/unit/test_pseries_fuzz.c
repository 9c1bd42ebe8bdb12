/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that makes arbitrary calls: the partition must stay within its memory (a memory checker
 * sees that) and only return architected codes. Repeatable.
 */
#include "../fakes/partition.h"

#define CALLS 300000u

static uint64_t state_ = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
	state_ ^= state_ << 13;
	state_ ^= state_ >> 7;
	state_ ^= state_ << 17;
	return state_;
}

/* Mostly values at boundaries. */
static uint64_t value(void)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		3,
		4,
		8,
		16,
		17,
		128,
		0xff,
		0x1000,
		0x71000000,
		BUFFER,
		ARGUMENTS,
		FAKE_RAM,
		FAKE_RAM - 1,
		FAKE_RAM - 4,
		FAKE_RAM - 16,
		FAKE_RAM - 4096,
		FAKE_RAM + 4096,
		UINT32_MAX,
		1ull << 31,
		1ull << 32,
		1ull << 63,
		~0ull,
		~0xfffull,
	};

	switch (random64() % 4) {
	case 0:
		return random64();
	case 1:
		return random64() % FAKE_RAM & ~(uint64_t)0x7f;
	default:
		return edges[random64() % ARRAY_SIZE(edges)] + (random64() % 8 == 0);
	}
}

static void stop_self_is_undone(void)
{
	/* A stopped vCPU would make no more calls, so restart it. */
	for (unsigned i = 0; i < FAKE_CPUS; i++)
		rtas_call((i + 1) % FAKE_CPUS, 0x2006, 3, (uint32_t[]){ i, 0x1000, 0 }, 1, NULL);
}

static void reset(void)
{
	char err[256];

	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	stop_self_is_undone();
}

static void no_hcall_with_any_arguments_leaves_memory(void **state)
{
	static const uint64_t numbers[] = {
		0x24,  0x2c,  0x3c,  0x40,  0x54,  0x58,  0x64,	 0x68,	0x6c,
		0x70,  0x74,  0xdc,  0xe0,  0xe4,  0xe8,  0xec,	 0xf0,	0xf4,
		0x104, 0x1c8, 0x2ec, 0x2fc, 0x31c, 0x37c, 0x380, 0x448,
	};

	for (unsigned i = 0; i < CALLS; i++) {
		unsigned cpu = (unsigned)(random64() % FAKE_CPUS);
		uint64_t number = random64() % 16 ? numbers[random64() % ARRAY_SIZE(numbers)] :
						    value();
		int64_t rc;

		if (number == 0xf000)
			continue;
		fake.output_len = 0;
		fake.regs[cpu].msr &= ~MSR_PR;
		if (number == 0xdc && random64() % 2)
			rc = hcall(cpu, number, (random64() % 8) << (63 - 18),
				   random64() % FAKE_CPUS, value(), 0);
		else
			rc = hcall(cpu, number, value(), value(), value(), value());
		/* r3 after a system reset of the caller is not a return code */
		if (number != 0x380)
			assert_true(rc <= H_SUCCESS + 4 && rc >= -511);
		papr_vcpu_dispatch(fake.papr, cpu, random64() % 2);
		fake.clock.insns += random64() % 1000;
		if (i % 1000 == 0)
			reset();
	}
}

/* Mostly entries and places that are good, so that the table fills, and is resized with them. */
static void no_hash_table_call_with_any_arguments_leaves_memory(void **state)
{
	static const uint64_t numbers[] = { 0x004, 0x008, 0x008, 0x008, 0x00c, 0x010, 0x014,
					    0x018, 0x124, 0x358, 0x36c, 0x370, 0x37c };
	struct papr_config config = fake_config();
	char err[256];

	config.options.mmu = PAPR_MMU_EITHER;
	papr_destroy(fake.papr);
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	for (unsigned i = 0; i < CALLS / 10; i++) {
		const uint64_t number = numbers[random64() % ARRAY_SIZE(numbers)];
		const uint64_t order = 17 + random64() % 5, place = random64() % (1u << 16);
		int64_t rc;

		if (i % 5000 == 0) {
			memset(fake.memory.base + fake.memory.size, 0, fake.memory.hypervisor_size);
			reset();
			hcall(0, 0x37c, 0, 0, 0, 0);
		}
		if (number == 0x36c || number == 0x370)
			rc = hcall(0, number, 0, random64() % 8 ? order : value(), 0, 0);
		else if (number >= 0x124 || random64() % 8 == 0)
			rc = hcall(0, number, value(), value(), value(), value());
		else
			rc = hcall(0, number, random64() & 0x0000ffffffffffff, place,
				   random64() | 0x11, (random64() & 0x03ff7e87) | 0x10);
		assert_true(rc <= H_SUCCESS + 4 && rc >= -511);
	}
}

static void no_rtas_call_with_any_arguments_leaves_memory(void **state)
{
	for (unsigned i = 0; i < CALLS; i++) {
		unsigned cpu = (unsigned)(random64() % FAKE_CPUS),
			 count = (unsigned)(random64() % 18);
		uint64_t buffer = random64() % 8 ? ARGUMENTS + 4 * (random64() % 64) : value();

		fake.output_len = 0;
		memory_write_be32(&fake.memory, buffer, (uint32_t)(0x2000 + random64() % 24));
		memory_write_be32(&fake.memory, buffer + 4, count);
		memory_write_be32(&fake.memory, buffer + 8, (uint32_t)(random64() % 18));
		for (unsigned j = 0; j < count; j++)
			memory_write_be32(&fake.memory, buffer + 12 + 4 * j, (uint32_t)value());
		hcall(cpu, 0xf000, buffer, 0, 0, 0);
		if (fake.action == PAPR_STOP || fake.action == PAPR_POWER_OFF || i % 1000 == 0)
			reset();
	}
}

/* r3 may belong to an event that is delivered at the end of the call. */
static void call_fwnmi(unsigned cpu, uint32_t token, uint32_t nr_args)
{
	const uint32_t cells[] = { token, nr_args, 1, 0x1920, 0x1990 };

	for (unsigned i = 0; i < ARRAY_SIZE(cells); i++)
		memory_write_be32(&fake.memory, ARGUMENTS + 4 * i, cells[i]);
	hcall(cpu, 0xf000, ARGUMENTS, 0, 0, 0);
}

static void events_at_any_moment_leave_the_partition_sane(void **state)
{
	const struct fwnmi_machine_check mc = {
		.error_type = FWNMI_MC_SLB,
		.error_subtype = FWNMI_SLB_MULTIHIT,
		.severity = FWNMI_SEVERITY_ERROR_SYNC,
		.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED,
	};
	unsigned delivered = 0, ended = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		unsigned cpu = (unsigned)(random64() % FAKE_CPUS);
		int rc = 0;

		switch (random64() % 6) {
		case 0:
			rc = fake_machine_check(cpu, &mc);
			break;
		case 1:
			rc = fake_system_reset(cpu);
			break;
		case 2:
			rc = fake_resume(cpu);
			break;
		case 3:
			call_fwnmi(cpu, 0x2014, 0); /* ibm,nmi-interlock */
			break;
		case 4:
			call_fwnmi(cpu, 0x2013, 2); /* ibm,nmi-register */
			break;
		default:
			hcall(cpu, 0x380, random64() % 6 - 2, 0, 0, 0);
			break;
		}
		assert_true(rc >= 0 || rc == FWNMI_ERR_BUSY);
		delivered += rc == PAPR_ROUTINE;
		if (rc == PAPR_ENDED) {
			ended++;
			reset();
		}
	}
	assert_true(delivered > 1000);
	assert_true(ended > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_hcall_with_any_arguments_leaves_memory),
		TEST(no_hash_table_call_with_any_arguments_leaves_memory),
		TEST(no_rtas_call_with_any_arguments_leaves_memory),
		TEST(events_at_any_moment_leave_the_partition_sane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
