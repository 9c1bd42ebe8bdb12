/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trampolines: the sources of their code, and events delivered by them. The fake engine takes
 * interrupts and executes the few instructions that trampolines consist of, so the tests run the
 * code that the partition writes into the guest.
 */
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "../fakes/partition.h"
#include "fwnmi/mce.h"
#include "pseries/fwnmi/trampoline.h"

#define RESET_ROUTINE 0x1920u
#define CHECK_ROUTINE 0x1990u
#define USER_NIP      0x10000018ull
#define USER_MSR      0x800000000000d033ull

#define REGISTER  0x2013
#define INTERLOCK 0x2014

static unsigned warnings;
static char warning[256];

/* ---- an engine that executes trampolines ---- */

/* A machine check that the engine gives to the guest itself. */
static void take_interrupt(unsigned vcpu, unsigned vector, uint64_t srr1)
{
	struct engine_regs *regs = &fake.regs[vcpu];

	regs->srr0 = regs->nip;
	regs->srr1 = (regs->msr & ~FWNMI_SRR1_CAUSE_MASK) | srr1;
	regs->msr = MSR_SF | MSR_ME | (fake.partition.interrupt_little_endian ? MSR_LE : 0);
	regs->nip = vector;
}

/*
 * Executes one instruction. False: a hypervisor call, which was made, or an instruction that
 * trampolines do not have.
 */
static bool step(unsigned vcpu)
{
	struct engine_regs *regs = &fake.regs[vcpu];
	uint32_t insn = 0;

	assert_true(memory_read_be32(&fake.memory, regs->nip, &insn));
	if (regs->msr & MSR_LE)
		insn = __builtin_bswap32(insn);
	regs->nip += 4;
	if (insn == 0x44000022) { /* sc 1 */
		fake.action = papr_hcall(fake.papr, vcpu, &fake.outcome);
		return false;
	}
	if (insn == 0x7c7243a6) { /* mtsprg2 r3 */
		regs->sprg[2] = regs->gpr[3];
		return true;
	}
	if (insn >> 16 == 0x3c60) { /* lis r3 */
		regs->gpr[3] = (uint64_t)(int64_t)(int32_t)(insn << 16);
		return true;
	}
	if (insn >> 16 == 0x6063) { /* ori r3,r3 */
		regs->gpr[3] |= insn & 0xffff;
		return true;
	}
	regs->nip -= 4;
	return false;
}

static void run(unsigned vcpu)
{
	fake.action = PAPR_RESUME;
	while (step(vcpu))
		;
}

static void warn(void *opaque, const char *line)
{
	warnings++;
	snprintf(warning, sizeof(warning), "%s", line);
}

static struct papr *create(struct papr_config *config, char *err, size_t err_size)
{
	fake.capabilities = 0;
	config->host.warning = warn;
	return papr_create(config, err, err_size);
}

static int setup(void **state)
{
	struct papr_config config;
	char err[256];

	fake_memory(FAKE_RAM);
	warnings = 0;
	config = fake_config();
	fake.papr = create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	/* The warning about the choice of trampolines; the tests count later ones. */
	assert_int_equal(warnings, 1);
	warnings = 0;
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	/* Start the other processors, and fill routines and vectors with recognisable words. */
	for (uint32_t cpu = 1; cpu < FAKE_CPUS; cpu++)
		rtas_call(0, 0x2006, 3, (uint32_t[]){ cpu, 0x1000, 0 }, 1, NULL);
	for (uint64_t at = 0x100; at < 0x2000; at += 4)
		memory_write_be32(&fake.memory, at, 0x7c000000 + (uint32_t)at);
	return 0;
}

static void interrupts_little_endian(bool little)
{
	assert_int_equal(hcall(0, 0x31c, little, 4, 0, 0), H_SUCCESS);
}

static int32_t nmi_register(uint32_t reset, uint32_t check)
{
	return rtas_call(0, REGISTER, 2, (uint32_t[]){ reset, check }, 1, NULL);
}

static void register_routines(void)
{
	assert_int_equal(nmi_register(RESET_ROUTINE, CHECK_ROUTINE), 0);
}

/* Not rtas_call(), because another event may replace its result. */
static int32_t interlock(unsigned cpu)
{
	uint32_t status = 0xdeadbeef;

	memory_write_be32(&fake.memory, ARGUMENTS, INTERLOCK);
	memory_write_be32(&fake.memory, ARGUMENTS + 4, 0);
	memory_write_be32(&fake.memory, ARGUMENTS + 8, 1);
	hcall(cpu, 0xf000, ARGUMENTS, 0, 0, 0);
	memory_read_be32(&fake.memory, ARGUMENTS + 12, &status);
	return (int32_t)status;
}

/* Gives every register a different value. */
static struct engine_regs busy(unsigned cpu)
{
	struct engine_regs *regs = &fake.regs[cpu];

	for (unsigned i = 0; i < 32; i++)
		regs->gpr[i] = 0x1111111111111111ull * cpu + 0x1234560000ull + i;
	regs->nip = USER_NIP + 4 * cpu;
	regs->msr = USER_MSR;
	regs->lr = 0xaaaa;
	regs->ctr = 0xbbbb;
	regs->cr = 0x12345678;
	regs->xer = 0x20000000;
	regs->sprg[0] = 100;
	regs->sprg[1] = 101;
	regs->sprg[3] = 103;
	regs->dar = 0xdddd;
	regs->dsisr = 0x40000000;
	return *regs;
}

static enum papr_result inject(unsigned cpu)
{
	return fake_machine_check(cpu, &fake_slb_multihit);
}

/* R13 and R9: only R3, SPRG2 and what the interrupt itself sets have changed. */
static void assert_entered(unsigned cpu, const struct engine_regs *before, uint64_t routine)
{
	const struct engine_regs *now = &fake.regs[cpu];
	uint64_t r3;

	assert_int_equal(now->nip, routine);
	assert_int_equal(now->srr0, before->nip);
	assert_int_equal(now->srr1 & ~FWNMI_SRR1_CAUSE_MASK, before->msr);
	assert_int_equal(now->msr,
			 MSR_SF | MSR_ME | (fake.partition.interrupt_little_endian ? MSR_LE : 0));
	assert_true(memory_read_be64(&fake.memory, now->gpr[3], &r3));
	assert_int_equal(r3, before->gpr[3]);
	for (unsigned i = 0; i < 32; i++)
		if (i != 3)
			assert_int_equal(now->gpr[i], before->gpr[i]);
	assert_int_equal(now->lr, before->lr);
	assert_int_equal(now->ctr, before->ctr);
	assert_int_equal(now->cr, before->cr);
	assert_int_equal(now->xer, before->xer);
	assert_int_equal(now->sprg[0], before->sprg[0]);
	assert_int_equal(now->sprg[1], before->sprg[1]);
	assert_int_equal(now->sprg[3], before->sprg[3]);
}

/* The architected interrupt, at 0x200 instead of the routine. */
static void assert_interrupted(unsigned cpu, const struct engine_regs *before)
{
	assert_int_equal(fake.regs[cpu].nip, 0x200);
	assert_int_equal(fake.regs[cpu].srr0, before->nip);
	assert_int_equal(fake.regs[cpu].gpr[3], before->gpr[3]);
}

static void assert_word(uint64_t address, uint32_t wanted)
{
	uint32_t word;

	assert_true(memory_read_be32(&fake.memory, address, &word));
	assert_int_equal(word, wanted);
}

/* The routines are gone: words of another system stand from @from on. */
static void another_system_from(uint64_t from)
{
	for (uint64_t at = from; at < 0x2000; at += 4)
		memory_write_be32(&fake.memory, at, 0x39000000 + (uint32_t)at);
}

static struct fwnmi_errlog log_of(unsigned cpu)
{
	struct fwnmi_errlog log;
	uint8_t bytes[512];

	assert_true(memory_read(&fake.memory, fake.regs[cpu].gpr[3] + 8, bytes, sizeof(bytes)));
	assert_true(fwnmi_errlog_decode(&log, bytes, sizeof(bytes)) > 0);
	return log;
}

/* ---- delivery ---- */

static void r13_a_machine_check_by_trampoline_changes_r3_alone(void **state)
{
	for (int little = 0; little < 2; little++) {
		struct engine_regs before;

		interrupts_little_endian(little);
		register_routines();
		before = busy(0);
		assert_int_equal(inject(0), PAPR_RAISED);
		assert_int_equal(fake.regs[0].nip, 0x200);
		run(0);
		assert_int_equal(fake.action, PAPR_FWNMI);
		assert_int_equal(fake.outcome.result, PAPR_ROUTINE);
		assert_entered(0, &before, CHECK_ROUTINE);
		assert_int_equal(log_of(0).disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
		assert_true(log_of(0).mc.effective_address == 0xc000000012345678ull);
		assert_int_equal(interlock(0), 0);
	}
	assert_int_equal(warnings, 0);
}

static void r9_a_system_reset_by_trampoline_changes_r3_alone(void **state)
{
	struct engine_regs before;

	interrupts_little_endian(true);
	register_routines();
	before = busy(1);
	assert_int_equal(fake_system_reset(1), PAPR_RAISED);
	assert_int_equal(fake.regs[1].nip, 0x100);
	run(1);
	assert_int_equal(fake.outcome.result, PAPR_ROUTINE);
	assert_entered(1, &before, RESET_ROUTINE);
	assert_int_equal(fake.regs[1].dar, before.dar);
	assert_int_equal(fake.regs[1].dsisr, before.dsisr);
}

/* An engine without the exit delivers a machine check to the guest, unknown to the partition. */
static void r12_a_machine_check_of_the_engine_is_analysed_and_repaired(void **state)
{
	struct engine_regs before;

	register_routines();
	before = busy(0);
	fake.regs[0].dsisr = 0x400; /* TLB multihit */
	fake.regs[0].dar = 0x7fff0000;
	take_interrupt(0, 0x200, FWNMI_SRR1_MC_LOADSTORE);
	run(0);
	assert_entered(0, &before, CHECK_ROUTINE);
	assert_int_equal(log_of(0).mc.error_type, FWNMI_MC_TLB);
	assert_int_equal(log_of(0).mc.error_subtype, FWNMI_TLB_MULTIHIT);
	assert_true(log_of(0).mc.effective_address == 0x7fff0000);
	assert_int_equal(log_of(0).disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
	assert_int_equal(fake.flushes, 1);
}

static void the_description_of_an_injection_is_not_taken_for_another_machine_check(void **state)
{
	register_routines();
	busy(0);
	inject(0);
	/* The guest has not reached the call: something else interrupts it elsewhere. */
	fake.regs[0].nip = 0x7000000;
	fake.regs[0].dsisr = 0x8000;
	take_interrupt(0, 0x200, FWNMI_SRR1_MC_LOADSTORE);
	run(0);
	assert_int_equal(log_of(0).mc.error_type, FWNMI_MC_UE);
}

static void r18_waiters_stand_in_their_trampolines_and_are_served_in_order(void **state)
{
	struct engine_regs before[FAKE_CPUS];

	register_routines();
	for (unsigned cpu = 0; cpu < FAKE_CPUS; cpu++) {
		before[cpu] = busy(cpu);
		assert_int_equal(inject(cpu), PAPR_RAISED);
		run(cpu);
		assert_int_equal(fake.outcome.result, cpu ? PAPR_WAITING : PAPR_ROUTINE);
	}
	/* A system reset for one that waits comes after its machine check. */
	assert_int_equal(fake_system_reset(1), PAPR_WAITING);
	for (unsigned cpu = 0; cpu < FAKE_CPUS; cpu++) {
		if (cpu) {
			assert_int_equal(fake.kicks[cpu], 1);
			assert_int_equal(fake_resume(cpu), PAPR_ROUTINE);
		}
		assert_entered(cpu, &before[cpu], CHECK_ROUTINE);
		if (cpu + 1 < FAKE_CPUS)
			assert_int_equal(fake_resume(cpu + 1), PAPR_WAITING);
		fake.regs[cpu].nip = 0x4444;
		assert_int_equal(interlock(cpu), 0);
		if (cpu == 1) {
			assert_int_equal(fake_resume(1), PAPR_ROUTINE);
			assert_int_equal(fake.regs[1].nip, RESET_ROUTINE);
		}
	}
}

static void a_second_machine_check_by_trampoline_ends_the_partition_and_keeps_the_log(void **state)
{
	struct fwnmi_errlog log;
	char err[256];

	register_routines();
	busy(0);
	inject(0);
	run(0);
	assert_null(papr_fwnmi_end(fake.papr));
	assert_int_equal(inject(0), PAPR_RAISED);
	run(0);
	assert_int_equal(fake.outcome.result, PAPR_ENDED);
	assert_non_null(papr_fwnmi_end(fake.papr));
	assert_true(fwnmi_errlog_decode(&log, papr_fwnmi_end(fake.papr)->log,
					papr_fwnmi_end(fake.papr)->log_length) > 0);
	assert_int_equal(log.severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(inject(1), PAPR_ENDED);
	/* The end of the partition is all that survives a reboot. */
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_non_null(papr_fwnmi_end(fake.papr));
	assert_int_equal(inject(0), PAPR_VECTOR);
}

static void r5_only_a_registration_changes_the_vectors(void **state)
{
	uint8_t before[0x300], now[0x300];

	memory_read(&fake.memory, 0, before, sizeof(before));
	interrupts_little_endian(true);
	interrupts_little_endian(false);
	assert_int_equal(inject(0), PAPR_VECTOR);
	/* A routine at a vector is one that firmware will overwrite. */
	assert_int_equal(nmi_register(0x1fc, CHECK_ROUTINE), -3);
	assert_int_equal(nmi_register(RESET_ROUTINE, 0x200), -3);
	memory_read(&fake.memory, 0, now, sizeof(now));
	assert_memory_equal(before, now, sizeof(now));
	register_routines();
	memory_read(&fake.memory, 0, now, sizeof(now));
	assert_memory_not_equal(before + 0x100, now + 0x100, 4);
	assert_memory_not_equal(before + 0x200, now + 0x200, 4);
	/* Only the code has changed. */
	memcpy(now + 0x100, before + 0x100, 20);
	memcpy(now + 0x200, before + 0x200, 20);
	assert_memory_equal(before, now, sizeof(now));
}

static void the_code_follows_the_byte_order_of_interrupts(void **state)
{
	struct engine_regs before;

	register_routines();
	interrupts_little_endian(true);
	before = busy(2);
	inject(2);
	run(2);
	assert_entered(2, &before, CHECK_ROUTINE);
	interlock(2);
	/* Code that the guest has overwritten since stays. */
	memory_write_be32(&fake.memory, 0x104, 0x60000000);
	interrupts_little_endian(false);
	fake_machine_check(0, &(struct fwnmi_machine_check){ 0 });
	assert_int_equal(fake.memory.base[0x104], 0x60);
}

static void overwritten_code_is_noticed_and_put_back(void **state)
{
	struct engine_regs before;

	register_routines();
	memory_write_be32(&fake.memory, 0x204, 0x12345678);
	before = busy(0);
	/* This event is delivered directly. */
	assert_int_equal(inject(0), PAPR_ROUTINE);
	assert_entered(0, &before, CHECK_ROUTINE);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(warning, "overwritten the trampoline at 0x200"));
	interlock(0);
	before = busy(0);
	assert_int_equal(inject(0), PAPR_RAISED);
	run(0);
	assert_entered(0, &before, CHECK_ROUTINE);
	assert_int_equal(warnings, 1);
}

/* After kexec: another system at the place of the routines, with its own vectors. */
static void another_system_keeps_its_vectors_and_gets_the_interrupt(void **state)
{
	struct engine_regs before;

	register_routines();
	another_system_from(0x100);
	before = busy(0);
	assert_int_equal(inject(0), PAPR_VECTOR);
	assert_interrupted(0, &before);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(warning, "is gone"));
	assert_word(0x200, 0x39000200);
}

/*
 * The same, but the vectors still hold our code: the contents before the registration are restored.
 */
static void a_system_without_vectors_gets_back_what_was_there(void **state)
{
	struct engine_regs before;

	register_routines();
	another_system_from(0x300);
	before = busy(0);
	assert_int_equal(inject(0), PAPR_RAISED);
	run(0);
	assert_int_equal(fake.outcome.result, PAPR_VECTOR);
	assert_interrupted(0, &before);
	assert_word(0x100, 0x7c000100);
	assert_word(0x200, 0x7c000200);
	assert_int_equal(warnings, 1);
}

static void signals_by_trampoline_coalesce_until_the_processor_runs(void **state)
{
	register_routines();
	busy(1);
	assert_int_equal(hcall(0, 0x380, 1, 0, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(2, 0x380, 1, 0, 0, 0), H_SUCCESS);
	assert_int_equal(fake_resume(1), PAPR_RAISED);
	assert_int_equal(fake_resume(1), PAPR_NOTHING);
	run(1);
	assert_int_equal(fake.regs[1].nip, RESET_ROUTINE);
	assert_int_equal(fake.interrupts[1], 1);
}

static void the_private_calls_are_refused_elsewhere(void **state)
{
	static const struct {
		uint64_t nip, msr;
	} places[] = {
		{ 0x110, MSR_SF | MSR_ME }, /* the other vector */
		{ 0x300, MSR_SF | MSR_ME },
		{ 0xc000000000000210ull, MSR_SF | MSR_ME },
		{ 0x210, MSR_SF | MSR_ME | MSR_IR | MSR_DR },
		{ 0x200, MSR_SF | MSR_ME },
		{ 0, MSR_SF | MSR_ME },
	};

	fake.regs[0].nip = 0x210;
	fake.regs[0].msr = MSR_SF | MSR_ME;
	assert_int_equal(hcall(0, 0xf014, 0, 0, 0, 0), H_FUNCTION);
	register_routines();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		fake.regs[0].nip = places[i].nip;
		fake.regs[0].msr = places[i].msr;
		assert_int_equal(hcall(0, 0xf014, 0, 0, 0, 0), H_FUNCTION);
		assert_int_equal(fake.action, PAPR_RESUME);
	}
}

/* ---- sources ---- */

static char path[] = "/tmp/fwnmi-trampoline-XXXXXX";

static void write_file(const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	close(fd);
}

/* An object file with one section of code and two functions, as the assembler makes it. */
struct object {
	Elf64_Ehdr header;
	uint8_t code[600];
	char strings[80];
	Elf64_Sym symbols[3];
	Elf64_Shdr sections[4];
};

static struct object object(void)
{
	static const char strings[] =
		"\0fwnmi_system_reset_trampoline\0fwnmi_machine_check_trampoline";
	struct object o = {
		.header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			    .e_type = ET_REL,
			    .e_machine = EM_PPC64,
			    .e_version = EV_CURRENT,
			    .e_shoff = offsetof(struct object, sections),
			    .e_ehsize = sizeof(Elf64_Ehdr),
			    .e_shentsize = sizeof(Elf64_Shdr),
			    .e_shnum = 4 },
		.symbols = { { 0 },
			     { .st_name = 1, .st_shndx = 1, .st_value = 0, .st_size = 256 },
			     { .st_name = 31, .st_shndx = 1, .st_value = 256, .st_size = 8 } },
		.sections = { { 0 },
			      { .sh_type = SHT_PROGBITS,
				.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
				.sh_offset = offsetof(struct object, code),
				.sh_size = 600,
				.sh_addralign = 4 },
			      { .sh_type = SHT_STRTAB,
				.sh_offset = offsetof(struct object, strings),
				.sh_size = sizeof(strings),
				.sh_addralign = 1 },
			      { .sh_type = SHT_SYMTAB,
				.sh_offset = offsetof(struct object, symbols),
				.sh_size = 3 * sizeof(Elf64_Sym),
				.sh_link = 2,
				.sh_info = 1,
				.sh_addralign = 8,
				.sh_entsize = sizeof(Elf64_Sym) } },
	};

	memcpy(o.strings, strings, sizeof(strings));
	for (unsigned i = 0; i < sizeof(o.code); i++)
		o.code[i] = (uint8_t)i;
	return o;
}

static const char *parse(const struct object *o, size_t size, struct trampoline_code *code)
{
	void *image = exact_copy(o, size);
	const char *problem = trampoline_parse_elf(image, size, true, code);

	free(image);
	return problem;
}

static void code_comes_from_an_elf_file_by_its_symbols(void **state)
{
	struct object o = object();
	struct trampoline_code code;
	char source[80], err[200];

	assert_null(parse(&o, sizeof(o), &code));
	assert_int_equal(code.size[TRAMPOLINE_SYSTEM_RESET], 256);
	assert_int_equal(code.size[TRAMPOLINE_MACHINE_CHECK], 8);
	assert_memory_equal(code.bytes[TRAMPOLINE_MACHINE_CHECK], o.code + 256, 8);
	/* In a shared object a symbol is an address. */
	o.header.e_type = ET_DYN;
	o.sections[1].sh_addr = 0x10000;
	o.symbols[1].st_value += 0x10000;
	o.symbols[2].st_value += 0x10008;
	write_file(&o, sizeof(o));
	snprintf(source, sizeof(source), "elf:%s", path);
	assert_true(trampoline_load(source, true, &code, err, sizeof(err)));
	assert_memory_equal(code.bytes[TRAMPOLINE_MACHINE_CHECK], o.code + 264, 8);
}

static void assert_elf_refused(const struct object *o, const char *why)
{
	struct trampoline_code code;
	const char *problem = parse(o, sizeof(*o), &code);

	if (!problem || !strstr(problem, why))
		fail_msg("\"%s\" does not say \"%s\"", problem ? problem : "(nothing)", why);
}

static void a_bad_elf_file_is_refused_with_the_reason(void **state)
{
	struct object o = object();
	struct trampoline_code code;

	o.header.e_machine = EM_X86_64;
	assert_elf_refused(&o, "not for 64-bit PowerPC");
	o = object();
	o.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_elf_refused(&o, "not for 64-bit PowerPC");
	o = object();
	assert_non_null(strstr(trampoline_parse_elf(&o, sizeof(o), false, &code),
			       "little-endian, but the kernel is big-endian"));
	o = object();
	o.symbols[1].st_size = 260;
	assert_elf_refused(&o, "system reset trampoline is longer than 256");
	o.symbols[1].st_size = 0;
	assert_elf_refused(&o, "system reset trampoline is empty");
	o = object();
	o.symbols[2].st_size = 6;
	assert_elf_refused(&o, "whole instructions");
	o = object();
	o.symbols[2].st_value = 596;
	assert_elf_refused(&o, "past the end");
	o.symbols[2].st_value = UINT64_MAX - 4;
	assert_elf_refused(&o, "past the end");
	o = object();
	o.symbols[2].st_shndx = SHN_UNDEF;
	assert_elf_refused(&o, "in no section");
	o.symbols[2].st_shndx = 77;
	assert_elf_refused(&o, "in no section");
	o.symbols[2].st_shndx = 2;
	assert_elf_refused(&o, "not in a section of code");
	o = object();
	o.strings[3] = 'x';
	assert_elf_refused(&o, "no symbol fwnmi_system_reset_trampoline");
	o = object();
	o.strings[40] = 'x';
	assert_elf_refused(&o, "no symbol fwnmi_machine_check_trampoline");
	o = object();
	o.header.e_type = ET_CORE;
	assert_elf_refused(&o, "neither");
	o = object();
	o.header.e_ident[0] = 0;
	assert_elf_refused(&o, "not an ELF file");
	o = object();
	for (size_t size = 0; size < sizeof(o); size += 7)
		assert_non_null(parse(&o, size, &code));
}

static void a_blob_is_an_image_of_both_vectors(void **state)
{
	struct trampoline_code code;
	uint8_t image[516];
	char source[160], err[200];

	for (unsigned i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 7);
	assert_null(trampoline_parse_blob(image, 264, false, &code));
	assert_int_equal(code.size[TRAMPOLINE_SYSTEM_RESET], 256);
	assert_int_equal(code.size[TRAMPOLINE_MACHINE_CHECK], 8);
	assert_memory_equal(code.bytes[TRAMPOLINE_MACHINE_CHECK], image + 256, 8);
	assert_null(trampoline_parse_blob(image, 512, false, &code));
	assert_non_null(strstr(trampoline_parse_blob(image, 516, false, &code),
			       "machine check trampoline is longer"));
	assert_non_null(strstr(trampoline_parse_blob(image, 256, false, &code),
			       "no machine check trampoline"));
	assert_non_null(
		strstr(trampoline_parse_blob(image, 258, false, &code), "whole instructions"));

	write_file(image, 20);
	snprintf(source, sizeof(source), "blob:%s,%s", path, path);
	assert_true(trampoline_load(source, false, &code, err, sizeof(err)));
	assert_int_equal(code.size[TRAMPOLINE_SYSTEM_RESET], 20);
	assert_int_equal(code.size[TRAMPOLINE_MACHINE_CHECK], 20);
	write_file(image, 260);
	assert_false(trampoline_load(source, false, &code, err, sizeof(err)));
	assert_non_null(strstr(err, "system reset trampoline is longer than 256 bytes"));
}

static void what_cannot_be_read_is_refused_with_the_reason(void **state)
{
	struct trampoline_code code;
	char err[200];

	assert_false(trampoline_load("elf:/nonexistent", true, &code, err, sizeof(err)));
	assert_string_equal(err, "cannot use the trampolines in /nonexistent: "
				 "No such file or directory");
	assert_false(trampoline_load("blob:/dev", true, &code, err, sizeof(err)));
	assert_non_null(strstr(err, "not a file"));
	assert_false(trampoline_load("elf:/dev/zero", true, &code, err, sizeof(err)));
	assert_non_null(strstr(err, "not a file"));
	assert_false(trampoline_load("frob", true, &code, err, sizeof(err)));
	assert_non_null(strstr(err, "no trampoline source frob"));
}

static void the_embedded_code_is_the_same_in_both_byte_orders(void **state)
{
	struct trampoline_code big, little;
	uint8_t turned[TRAMPOLINE_MAX];
	char err[200];

	assert_true(trampoline_load("embedded", false, &big, err, sizeof(err)));
	assert_true(trampoline_load("embedded", true, &little, err, sizeof(err)));
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++) {
		size_t size = trampoline_copy(&big, i, true, turned);

		assert_int_equal(size, little.size[i]);
		assert_memory_equal(turned, little.bytes[i], size);
	}
}

static void direct_delivery_needs_an_engine_that_reports_machine_checks(void **state)
{
	struct papr_config config = fake_config();
	char err[200];

	config.options.delivery = PAPR_DELIVERY_DIRECT;
	papr_destroy(fake.papr);
	warnings = 0;
	fake.papr = create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(warning, "a guest cannot register"));
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_int_equal(nmi_register(RESET_ROUTINE, CHECK_ROUTINE), -1);
	config.options.delivery = PAPR_DELIVERY_AUTO;
	config.options.trampoline = "elf:/nonexistent";
	assert_null(create(&config, err, sizeof(err)));
	assert_non_null(strstr(err, "No such file"));
	/*
	 * Code that can never be used is an error; code that this engine does not need may be for
	 * another host.
	 */
	fake.capabilities = ~0u;
	assert_null(papr_create(&config, err, sizeof(err)));
	assert_non_null(strstr(err, "No such file"));
	config.options.delivery = PAPR_DELIVERY_DIRECT;
	assert_null(papr_create(&config, err, sizeof(err)));
	assert_non_null(strstr(err, "delivered directly"));
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return -1;
	return close(fd);
}

static int remove_file(void **state)
{
	return unlink(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(r13_a_machine_check_by_trampoline_changes_r3_alone),
		TEST(r9_a_system_reset_by_trampoline_changes_r3_alone),
		TEST(r12_a_machine_check_of_the_engine_is_analysed_and_repaired),
		TEST(the_description_of_an_injection_is_not_taken_for_another_machine_check),
		TEST(r18_waiters_stand_in_their_trampolines_and_are_served_in_order),
		TEST(a_second_machine_check_by_trampoline_ends_the_partition_and_keeps_the_log),
		TEST(r5_only_a_registration_changes_the_vectors),
		TEST(the_code_follows_the_byte_order_of_interrupts),
		TEST(overwritten_code_is_noticed_and_put_back),
		TEST(another_system_keeps_its_vectors_and_gets_the_interrupt),
		TEST(a_system_without_vectors_gets_back_what_was_there),
		TEST(signals_by_trampoline_coalesce_until_the_processor_runs),
		TEST(the_private_calls_are_refused_elsewhere),
		cmocka_unit_test(code_comes_from_an_elf_file_by_its_symbols),
		cmocka_unit_test(a_bad_elf_file_is_refused_with_the_reason),
		cmocka_unit_test(a_blob_is_an_image_of_both_vectors),
		cmocka_unit_test(what_cannot_be_read_is_refused_with_the_reason),
		cmocka_unit_test(the_embedded_code_is_the_same_in_both_byte_orders),
		TEST(direct_delivery_needs_an_engine_that_reports_machine_checks),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
