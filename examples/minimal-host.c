/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The minimum a virtual machine monitor does to give its guests FWNMI: provide guest memory and two
 * RTAS calls to libfwnmi, and carry out what it says of each event. The "guest" is main(), which
 * does what an operating system would and checks what it gets. A real monitor also calls
 * fwnmi_set_interrupt_endian() for H_SET_MODE and fwnmi_reset() when the partition reboots.
 *
 *	cc minimal-host.c $(pkg-config --cflags --libs fwnmi) && ./a.out
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fwnmi/fwnmi.h>

enum {
	NR_CPUS = 2,
	MEMORY_SIZE = 32 << 20,
	RTAS_BASE = 0x1ff0000, /* the property "linux,rtas-base" of /rtas */
	RTAS_SIZE = 0x10000, /* "rtas-size"; "rtas-error-log-max" is 2048 */
	RTAS_CODE_SIZE = 0x40, /* the RTAS entry point, which you provide */
};

struct vm {
	uint8_t memory[MEMORY_SIZE];
	struct fwnmi_regs regs[NR_CPUS]; /* valid while the vCPU does not run guest code */
	uint64_t dar[NR_CPUS];
	uint32_t dsisr[NR_CPUS];
	int kicked[NR_CPUS];
	/* A separate lock: ibm,nmi-interlock must not wait for other RTAS calls or hcalls (R18). */
	pthread_mutex_t fwnmi_lock;
	struct fwnmi *fwnmi;
};

/* ---- callbacks for libfwnmi ---- */

static int read_memory(void *opaque, uint64_t real_address, void *buf, size_t len)
{
	if (len > MEMORY_SIZE || real_address > MEMORY_SIZE - len)
		return -1;
	memcpy(buf, ((struct vm *)opaque)->memory + real_address, len);
	return 0;
}

/* Make the vCPU leave guest code if it runs any. Its thread then calls fwnmi_resume(). */
static void kick(void *opaque, unsigned cpu)
{
	((struct vm *)opaque)->kicked[cpu] = 1;
}

static const struct fwnmi_ops ops = {
	.read_memory = read_memory,
	.kick = kick,
};

/* ---- the RTAS calls; /rtas needs a property with the token of each ---- */

static int rtas_nmi_register(struct vm *vm, unsigned cpu, uint32_t system_reset, uint32_t mc)
{
	int result;

	pthread_mutex_lock(&vm->fwnmi_lock);
	result = fwnmi_register(vm->fwnmi, cpu, system_reset, mc);
	pthread_mutex_unlock(&vm->fwnmi_lock);
	return fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER, result);
}

static int rtas_nmi_interlock(struct vm *vm, unsigned cpu)
{
	int result;

	pthread_mutex_lock(&vm->fwnmi_lock);
	result = fwnmi_interlock(vm->fwnmi, cpu);
	pthread_mutex_unlock(&vm->fwnmi_lock);
	return fwnmi_rtas_status(FWNMI_RTAS_NMI_INTERLOCK, result);
}

/* ---- events ---- */

/* Carry out what the library says. Returns 1 if the vCPU may run guest code now. */
static int carry_out(struct vm *vm, unsigned cpu, int err, const struct fwnmi_outcome *outcome)
{
	if (err) {
		fprintf(stderr, "vCPU %u: %s\n", cpu, fwnmi_strerror(err));
		exit(EXIT_FAILURE);
	}
	switch (outcome->result) {
	case FWNMI_NOTHING:
	case FWNMI_RELEASED:
	case FWNMI_DROPPED:
		return 1;
	case FWNMI_DELIVERED: /* it enters its handler, or 0x100 or 0x200 without one */
		memcpy(vm->memory + outcome->write.address, outcome->write.bytes,
		       outcome->write.length);
		vm->regs[cpu] = outcome->regs;
		if (outcome->dsisr_valid)
			vm->dsisr[cpu] = outcome->dsisr;
		if (outcome->dar_valid)
			vm->dar[cpu] = outcome->dar;
		return 1;
	case FWNMI_ENDED: /* run your reboot policy */
		printf("the partition ends: %s\n", fwnmi_end_reason_text(outcome->end_reason));
		return 0;
	case FWNMI_WAITING: /* until its kick */
	case FWNMI_STOPPED: /* for good */
		return 0;
	}
	return 0;
}

static int machine_check(struct vm *vm, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	struct fwnmi_outcome outcome;
	int err, may_run;

	pthread_mutex_lock(&vm->fwnmi_lock);
	err = fwnmi_machine_check(vm->fwnmi, cpu, &vm->regs[cpu], mc, &outcome);
	may_run = carry_out(vm, cpu, err, &outcome);
	pthread_mutex_unlock(&vm->fwnmi_lock);
	return may_run;
}

/* A vCPU's thread calls this after a kick, before it runs guest code. */
static int resume(struct vm *vm, unsigned cpu)
{
	struct fwnmi_outcome outcome;
	int err, may_run;

	pthread_mutex_lock(&vm->fwnmi_lock);
	vm->kicked[cpu] = 0;
	err = fwnmi_resume(vm->fwnmi, cpu, &vm->regs[cpu], &outcome);
	may_run = carry_out(vm, cpu, err, &outcome);
	pthread_mutex_unlock(&vm->fwnmi_lock);
	return may_run;
}

/* ---- the guest ---- */

static void expect(int condition, const char *what)
{
	if (!condition) {
		fprintf(stderr, "not as expected: %s\n", what);
		exit(EXIT_FAILURE);
	}
}

static void handler(struct vm *vm, unsigned cpu)
{
	const uint8_t *log = vm->memory + vm->regs[cpu].gpr3 + 8; /* after the original R3 */
	struct fwnmi_errlog decoded;
	char text[2048];

	expect(vm->regs[cpu].nip == 0x3000, "the vCPU is at its machine check routine");
	expect(fwnmi_errlog_decode(&decoded, log, FWNMI_ERRLOG_MAX) > 0, "there is a log");
	expect(decoded.mc.processor_id == cpu, "it is about this vCPU");
	fwnmi_errlog_print(&decoded, text, sizeof(text));
	printf("vCPU %u in its handler\n%s\n", cpu, text);
}

int main(void)
{
	static struct vm vm;
	const struct fwnmi_config config = { .nr_cpus = NR_CPUS,
					     .rtas_base = RTAS_BASE,
					     .rtas_size = RTAS_SIZE,
					     .save_area_offset = RTAS_CODE_SIZE };
	const struct fwnmi_machine_check mc = { .error_type = FWNMI_MC_SLB,
						.error_subtype = FWNMI_SLB_MULTIHIT,
						.severity = FWNMI_SEVERITY_ERROR_SYNC,
						.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED };

	expect(pthread_mutex_init(&vm.fwnmi_lock, NULL) == 0, "there is a lock");
	vm.fwnmi = malloc(fwnmi_sizeof(&config));
	expect(vm.fwnmi && fwnmi_init(vm.fwnmi, fwnmi_sizeof(&config), &ops, &vm, &config) == 0,
	       "FWNMI starts");

	expect(machine_check(&vm, 0, &mc) && vm.regs[0].nip == 0x200,
	       "without a handler, a machine check takes the architected interrupt");
	expect(rtas_nmi_register(&vm, 0, 0x2000, 0x3000) == 0, "the guest can register");
	expect(machine_check(&vm, 0, &mc), "vCPU 0 enters its handler");
	expect(!machine_check(&vm, 1, &mc), "vCPU 1 has to wait for the buffer");
	handler(&vm, 0);
	expect(rtas_nmi_interlock(&vm, 0) == 0, "vCPU 0 releases the buffer");
	expect(vm.kicked[1] && resume(&vm, 1), "vCPU 1 enters its handler");
	handler(&vm, 1);
	expect(rtas_nmi_interlock(&vm, 1) == 0, "vCPU 1 releases the buffer");
	free(vm.fwnmi);
	return EXIT_SUCCESS;
}
