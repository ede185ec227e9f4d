// The app's entry point: registers every function, by trigger. What a function does is loaded with its first call.

import './event-grid/near-expiry.ts'
import './event-grid/resource-events.ts'
import './http/register-routes.ts'
import './queue/queue-functions.ts'
import './timer/schedule.ts'
