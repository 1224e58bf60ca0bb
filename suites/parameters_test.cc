#include "fixtures/migration_fixture.h"
