/* A new part, "counter": counts the linear solves of derivatives and prints the numbers in -dini_view. */
#include "outside.h"

typedef struct {
  PetscBool counts;
  PetscInt  tangents, adjoints;
} Counter;

/* What the part has composed with the object */
static PetscErrorCode CounterGet(Dini dini, Counter **counter)
{
  PetscContainer container;

  PetscFunctionBegin;
  PetscCall(PetscObjectQuery((PetscObject)dini, "counter", (PetscObject *)&container));
  PetscCall(PetscContainerGetPointer(container, (void **)counter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CounterMonitor(Dini dini, DiniOperation operation, PetscInt its, PetscReal rnorm, void *ctx)
{
  Counter *counter = (Counter *)ctx;

  PetscFunctionBegin;
  (void)dini;
  (void)its;
  (void)rnorm;
  if (counter->counts && operation == DINI_OPERATION_TANGENT) counter->tangents++;
  if (counter->counts && operation == DINI_OPERATION_ADJOINT) counter->adjoints++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreate_Counter(Dini dini)
{
  Counter       *counter;
  PetscContainer container;

  PetscFunctionBegin;
  PetscCall(PetscNew(&counter));
  PetscCall(PetscContainerCreate(PetscObjectComm((PetscObject)dini), &container));
  PetscCall(PetscContainerSetPointer(container, counter));
  PetscCall(PetscObjectCompose((PetscObject)dini, "counter", (PetscObject)container));
  PetscCall(PetscContainerDestroy(&container)); /* the object keeps it */
  PetscCall(DiniMonitorSet(dini, CounterMonitor, counter, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetFromOptions_Counter(Dini dini, DiniOptionItems PetscOptionsObject)
{
  Counter *counter;

  PetscFunctionBegin;
  PetscCall(CounterGet(dini, &counter));
  PetscCall(PetscOptionsBool("-dini_counter", "Count the linear solves of derivatives", NULL, counter->counts,
                             &counter->counts, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_Counter(Dini dini, PetscViewer viewer)
{
  Counter *counter;

  PetscFunctionBegin;
  PetscCall(CounterGet(dini, &counter));
  if (counter->counts)
    PetscCall(PetscViewerASCIIPrintf(viewer, "counter: %" PetscInt_FMT " tangents, %" PetscInt_FMT " adjoints\n",
                                     counter->tangents, counter->adjoints));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The layouts change: what is counted from here on belongs to another problem */
static PetscErrorCode DiniReset_Counter(Dini dini)
{
  Counter *counter;

  PetscFunctionBegin;
  PetscCall(CounterGet(dini, &counter));
  counter->tangents = counter->adjoints = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_Counter(Dini dini)
{
  Counter *counter;

  PetscFunctionBegin;
  PetscCall(CounterGet(dini, &counter));
  PetscCall(PetscFree(counter));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniFeature CounterFeature = {.name           = "counter",
                                    .create         = DiniCreate_Counter,
                                    .setfromoptions = DiniSetFromOptions_Counter,
                                    .view           = DiniView_Counter,
                                    .reset          = DiniReset_Counter,
                                    .destroy        = DiniDestroy_Counter};
