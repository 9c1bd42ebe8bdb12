/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The library in a host with a thread for each of four vCPUs and two that inject, with one mutex
 * and kicks as fwnmi.h wants them: machine checks, system resets and interlocks at the same time.
 * Built with the thread sanitizer where the compiler has it. Each vCPU reads its log without the
 * mutex, so the sanitizer also sees whether the buffer belongs to its owner alone.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "../fakes/require.h"
#include "unit.h"

#include <fwnmi/fwnmi.h>

enum {
	NR_CPUS = 4,
	MEMORY_SIZE = 0x20000,
	RTAS_BASE = 0x10000,
	RTAS_SIZE = 0x10000,
	MACHINE_CHECK = 0x1000,
	SYSTEM_RESET = 0x2000,
	PROGRAM = 0x3000,
	MACHINE_CHECKS = 20000, /* of all vCPUs */
	HOST_RESETS = 4000, /* calls for one or several vCPUs */
	GUEST_RESETS = 1000, /* the same of each vCPU */
};

struct vcpu {
	struct vm *vm;
	unsigned number;
	pthread_t thread;
	uint32_t random;
	struct fwnmi_regs regs, interrupted;
	bool kicked; /* written under the lock, read by the guest without it */
	/* Under the lock. */
	pthread_cond_t wake;
	bool reset_pending;
	unsigned signalled, delivered, waited, interlocked;
	unsigned resets_signalled, resets_delivered, resets_merged;
};

struct vm {
	uint8_t memory[MEMORY_SIZE];
	pthread_mutex_t lock;
	struct fwnmi *fwnmi;
	struct vcpu vcpus[NR_CPUS];
	unsigned sources; /* threads that may still cause events */
};

static unsigned random_below(uint32_t *state, unsigned bound)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % bound;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value = value << 8 | p[i];
	return value;
}

/* ---- the host ---- */

static int read_memory(void *opaque, uint64_t address, void *buf, size_t len)
{
	if (len > MEMORY_SIZE || address > MEMORY_SIZE - len)
		return -1;
	memcpy(buf, ((struct vm *)opaque)->memory + address, len);
	return 0;
}

static void kick(void *opaque, unsigned cpu)
{
	struct vcpu *v = &((struct vm *)opaque)->vcpus[cpu];

	__atomic_store_n(&v->kicked, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&v->wake);
}

static const struct fwnmi_ops ops = { .read_memory = read_memory, .kick = kick };

static void signal_reset(struct vm *vm, unsigned caller, int64_t target)
{
	int expected = 0;

	pthread_mutex_lock(&vm->lock);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		struct vcpu *v = &vm->vcpus[cpu];

		if ((target == FWNMI_ALL_OTHERS && cpu == caller) || (target >= 0 && target != cpu))
			continue;
		expected++;
		v->resets_signalled++;
		v->resets_merged += v->reset_pending;
		v->reset_pending = true;
	}
	require(fwnmi_signal_system_reset(vm->fwnmi, caller, target) == expected);
	pthread_mutex_unlock(&vm->lock);
}

static void carry_out(struct vcpu *v, const struct fwnmi_outcome *outcome)
{
	switch (outcome->result) {
	case FWNMI_DELIVERED:
		memcpy(v->vm->memory + outcome->write.address, outcome->write.bytes,
		       outcome->write.length);
		v->interrupted = v->regs;
		v->regs = outcome->regs;
		if (outcome->vector == 0x200) {
			v->delivered++;
		} else {
			require(v->reset_pending);
			v->reset_pending = false;
			v->resets_delivered++;
		}
		break;
	case FWNMI_WAITING:
		v->waited++;
		break;
	case FWNMI_NOTHING:
		break;
	default:
		require(false);
	}
}

static void answer_kick(struct vcpu *v)
{
	struct fwnmi_outcome outcome;

	__atomic_store_n(&v->kicked, false, __ATOMIC_RELAXED);
	require(fwnmi_resume(v->vm->fwnmi, v->number, &v->regs, &outcome) == 0);
	carry_out(v, &outcome);
}

/* Returns false once no more events can come. */
static bool may_enter(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool more;

	pthread_mutex_lock(&vm->lock);
	while (v->regs.nip == PROGRAM) {
		bool may_run = fwnmi_may_run(vm->fwnmi, v->number);

		/* A pending event has kicked the vCPU, unless it waits for the buffer. */
		require(v->kicked || !may_run ||
			!(v->reset_pending || v->signalled != v->delivered));
		if (v->kicked)
			answer_kick(v);
		else if (!may_run)
			pthread_cond_wait(&v->wake, &vm->lock);
		else
			break;
	}
	more = vm->sources || v->regs.nip != PROGRAM;
	pthread_mutex_unlock(&vm->lock);
	return more;
}

/* ---- the guest ---- */

static void machine_check_routine(struct vcpu *v)
{
	const uint8_t *buffer = v->vm->memory + v->regs.gpr3;
	struct fwnmi_errlog log;

	require(get64(buffer) == v->interrupted.gpr3);
	require(fwnmi_errlog_decode(&log, buffer + 8, FWNMI_ERRLOG_MAX) > 0);
	require(log.mc.processor_id == v->number);
	require(log.mc.effective_address == v->delivered);
	sched_yield(); /* others come to wait for the buffer */
	pthread_mutex_lock(&v->vm->lock);
	require(fwnmi_interlock(v->vm->fwnmi, v->number) == FWNMI_RELEASED);
	v->interlocked++;
	pthread_mutex_unlock(&v->vm->lock);
}

static void run_guest(struct vcpu *v, unsigned *resets_left)
{
	switch (v->regs.nip) {
	case MACHINE_CHECK:
		machine_check_routine(v);
		v->regs = v->interrupted;
		break;
	case SYSTEM_RESET:
		require(get64(v->vm->memory + v->regs.gpr3) == v->interrupted.gpr3);
		v->regs = v->interrupted;
		break;
	default:
		require(v->regs.nip == PROGRAM);
		v->regs.gpr3++;
		if (*resets_left == 0) {
			sched_yield();
		} else if (random_below(&v->random, 4) == 0) {
			signal_reset(v->vm, v->number,
				     (int64_t)random_below(&v->random, NR_CPUS + 2) - 2);
			--*resets_left;
		}
	}
}

static void source_ends(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	vm->sources--;
	pthread_mutex_unlock(&vm->lock);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	unsigned resets_left = GUEST_RESETS;
	bool source = true;

	while (may_enter(v)) {
		while (!__atomic_load_n(&v->kicked, __ATOMIC_RELAXED) || v->regs.nip != PROGRAM) {
			run_guest(v, &resets_left);
			if (v->regs.nip == PROGRAM && resets_left == 0)
				break;
		}
		if (source && resets_left == 0) {
			source = false;
			source_ends(v->vm);
		}
	}
	return NULL;
}

/* ---- who injects ---- */

/* A vCPU has one machine check at a time; the next one goes to another. */
static unsigned signal_machine_check(struct vm *vm, struct vcpu *v)
{
	const struct fwnmi_machine_check mc = { .error_type = FWNMI_MC_SLB,
						.severity = FWNMI_SEVERITY_ERROR_SYNC,
						.effective_address_valid = true,
						.effective_address = v->signalled + 1 };
	bool has_one = v->signalled != v->delivered;
	int result = fwnmi_signal_machine_check(vm->fwnmi, v->number, &mc);

	require(result == (has_one ? FWNMI_ERR_BUSY : 1));
	v->signalled += !has_one;
	return !has_one;
}

static void *machine_checks(void *arg)
{
	struct vm *vm = arg;
	uint32_t random = 1;

	for (unsigned i = 0; i < MACHINE_CHECKS;) {
		struct vcpu *v = &vm->vcpus[random_below(&random, NR_CPUS)];

		pthread_mutex_lock(&vm->lock);
		i += signal_machine_check(vm, v);
		pthread_mutex_unlock(&vm->lock);
		if (random_below(&random, 4) == 0)
			sched_yield();
	}
	source_ends(vm);
	return NULL;
}

static void *system_resets(void *arg)
{
	struct vm *vm = arg;
	uint32_t random = 2;

	for (unsigned i = 0; i < HOST_RESETS; i++) {
		signal_reset(vm, 0, (int64_t)random_below(&random, NR_CPUS + 2) - 2);
		sched_yield();
	}
	source_ends(vm);
	return NULL;
}

/* ---- the test ---- */

static void start(struct vm *vm)
{
	const struct fwnmi_config config = {
		.nr_cpus = NR_CPUS,
		.rtas_base = RTAS_BASE,
		.rtas_size = RTAS_SIZE,
	};

	pthread_mutex_init(&vm->lock, NULL);
	vm->fwnmi = malloc(fwnmi_sizeof(&config));
	assert_non_null(vm->fwnmi);
	assert_int_equal(fwnmi_init(vm->fwnmi, fwnmi_sizeof(&config), &ops, vm, &config), 0);
	assert_int_equal(fwnmi_register(vm->fwnmi, 0, SYSTEM_RESET, MACHINE_CHECK), 0);
	vm->sources = NR_CPUS + 2;
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		struct vcpu *v = &vm->vcpus[cpu];

		*v = (struct vcpu){ .vm = vm, .number = cpu, .random = 100 + cpu };
		v->regs = (struct fwnmi_regs){ .gpr3 = (uint64_t)cpu << 32, .nip = PROGRAM };
		pthread_cond_init(&v->wake, NULL);
	}
}

static void no_event_is_lost_between_threads_with_one_mutex(void **state)
{
	struct vm *vm = *state;
	pthread_t injectors[2];
	unsigned machine_checks_seen = 0, waits = 0;

	start(vm);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		pthread_create(&vm->vcpus[cpu].thread, NULL, vcpu_thread, &vm->vcpus[cpu]);
	pthread_create(&injectors[0], NULL, machine_checks, vm);
	pthread_create(&injectors[1], NULL, system_resets, vm);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(injectors[i], NULL);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		pthread_join(vm->vcpus[cpu].thread, NULL);

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct vcpu *v = &vm->vcpus[cpu];

		assert_int_equal(v->delivered, v->signalled);
		assert_int_equal(v->interlocked, v->delivered);
		assert_false(v->reset_pending);
		assert_int_equal(v->resets_signalled, v->resets_delivered + v->resets_merged);
		assert_true(v->resets_delivered > 0);
		machine_checks_seen += v->delivered;
		waits += v->waited;
	}
	assert_int_equal(machine_checks_seen, MACHINE_CHECKS);
	assert_true(waits > 0);
	assert_int_equal(fwnmi_owner(vm->fwnmi), -1);
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct vm));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	struct vm *vm = *state;

	free(vm->fwnmi);
	free(vm);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_event_is_lost_between_threads_with_one_mutex,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
