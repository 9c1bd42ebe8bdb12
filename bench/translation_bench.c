/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What translation costs as work grows: a guest executes each of many distinct functions, several
 * times over, on several vCPUs in turns.
 *
 * usage: translation_bench [FUNCTIONS [VCPUS [PASSES]]]
 *
 * Prints a line of JSON for each of the engine's modes: nanoseconds of an instruction in the first
 * pass, in as many more as PASSES, in as many again; what was translated.
 */
#include <time.h>

#include "../tests/unit/engine_guest.h"
#include "engine/emu/jit/jit.h"

#define CODE	       0x10000ull
#define FUNCTION_BYTES 64
#define MAX_FUNCTIONS  1000000
#define SLICE	       100000

static struct engine_guest guest;

static void make_functions(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const uint64_t at = CODE + (uint64_t)i * FUNCTION_BYTES;

		guest_code(&guest, at,
			   INSNS(INSN_ADDI(3, 3, i % 1000), 0x7c641a14 /* add r3,r4,r3 */,
				 0x78631764 /* rldicr r3,r3,2,61 */, 0x7c831b78 /* mr r3,r4 */,
				 0x2c030000 /* cmpwi r3,0 */, 0x41820008 /* beq .+8 */, INSN_NOP,
				 INSN_ADDIS(5, 5, 1), 0xe8c70000 /* ld r6,0(r7) */,
				 0x7cc63a78 /* xor r6,r6,r7 */, 0xf8c70008 /* std r6,8(r7) */,
				 0x7d0903a6 /* mtctr r8 */, INSN_ADDI(9, 9, 1),
				 0x54e7103a /* rlwinm r7,r7,2,0,29 */, INSN_LI(7, 0x4000),
				 INSN_B(4)));
	}
	guest_code(&guest, CODE + (uint64_t)count * FUNCTION_BYTES, INSNS(INSN_HCALL));
}

static void begin_pass(unsigned vcpu)
{
	struct engine_regs regs;

	engine_power.get_regs(guest.engine, vcpu, &regs);
	regs.nip = CODE;
	regs.msr = MSR_SF | MSR_ME;
	regs.gpr[7] = 0x4000;
	engine_power.set_regs(guest.engine, vcpu, &regs);
}

/* Each vCPU in turns until all are through. */
static void run_pass(unsigned vcpus)
{
	bool done[ENGINE_MAX_VCPUS] = { false };
	unsigned left = vcpus;

	for (unsigned i = 0; i < vcpus; i++)
		begin_pass(i);
	for (unsigned i = 0; left; i = (i + 1) % vcpus) {
		struct engine_exit end;

		if (done[i])
			continue;
		engine_power.run(guest.engine, i, SLICE, &end);
		done[i] = end.reason == ENGINE_EXIT_HCALL;
		left -= done[i];
	}
}

/* Nanoseconds of this process on a processor */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What an instruction takes on average in @passes */
static double ns_of_insn(unsigned vcpus, unsigned passes)
{
	const uint64_t insns = guest.clock.insns, began = cpu_ns();

	for (unsigned i = 0; i < passes; i++)
		run_pass(vcpus);
	return (double)(cpu_ns() - began) / (double)(guest.clock.insns - insns);
}

static bool measure(const char *name, enum engine_jit mode, unsigned functions, unsigned vcpus,
		    unsigned passes)
{
	const uint64_t ram = CODE + (uint64_t)functions * FUNCTION_BYTES + (1u << 20);
	struct jit_figures figures = { 0 };
	char err[160] = "no memory";
	double first;

	if (!guest_start(&guest, ram & ~0xfffffull, vcpus)) {
		fprintf(stderr, "translation_bench: %s\n", err);
		return false;
	}
	jit_destroy(guest.e->jit);
	guest.e->jit = mode == ENGINE_JIT_OFF ? NULL :
						jit_create(mode, JIT_CODE_BYTES, err, sizeof(err));
	if (mode != ENGINE_JIT_OFF && !guest.e->jit) {
		fprintf(stderr, "translation_bench: %s\n", err);
		return false;
	}
	make_functions(functions);
	first = ns_of_insn(vcpus, 1);
	printf("{\"jit\": \"%s\", \"functions\": %u, \"vcpus\": %u, \"first_ns\": %.3f, ", name,
	       functions, vcpus, first);
	printf("\"later_ns\": %.3f, ", ns_of_insn(vcpus, passes));
	printf("\"last_ns\": %.3f, ", ns_of_insn(vcpus, passes));
	if (guest.e->jit)
		jit_figures(guest.e->jit, &figures);
	printf("\"insns\": %llu, \"bytes\": %llu, \"blocks\": %llu, \"evicted\": %llu}\n",
	       (unsigned long long)figures.insns, (unsigned long long)figures.bytes,
	       (unsigned long long)figures.blocks, (unsigned long long)figures.evicted);
	guest_end(&guest);
	return true;
}

int main(int argc, char **argv)
{
	const unsigned functions = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
	const unsigned vcpus = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	const unsigned passes = argc > 3 ? (unsigned)atoi(argv[3]) : 40;

	if (!functions || functions > MAX_FUNCTIONS || !vcpus || vcpus > ENGINE_MAX_VCPUS) {
		fprintf(stderr, "usage: translation_bench [FUNCTIONS [VCPUS [PASSES]]]\n");
		return 2;
	}
	return measure("off", ENGINE_JIT_OFF, functions, vcpus, passes) &&
			       measure("on", ENGINE_JIT_ON, functions, vcpus, passes) &&
			       measure("force", ENGINE_JIT_FORCE, functions, vcpus, passes) ?
		       0 :
		       1;
}
